#!/usr/bin/env bash
# What the parts of `get_full_resid_decomposition` add up to in TransformerLens's bridge: heads, MLPs or their neurons, embedding, biases.
#
# Expected: the residual stream, as it says of itself; or an error in a family where heads and neurons do not add up.
# True:     where a norm stands after attention and the MLP (Gemma 2 and 3, OLMo 2 and 3), parts of heads and neurons are those before it, and the
#           stream has those after it: the sum is off by about as much as the stream is large, or more, and nothing is said. Direct attribution of a
#           head is then of something that is in no stream. `stack_head_results` with `incl_remainder=True` adds up by definition, and hides it.
# Seen with transformer-lens 4.3.0, transformers 5.24.0, torch 2.15.0 (last layer, largest values):
#   llama: stream 14.5, sum less stream: 0.0 with MLPs, 0.0 with neurons
#   olmo2: stream 7.5, sum less stream: 11.1 with MLPs, 36.1 with neurons
#   gemma2: stream 6.8, sum less stream: 5.4 with MLPs, 10.9 with neurons
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check transformer-lens==4.3.0 transformers==5.24.0 torch==2.15.0
"$work/venv/bin/python" - <<'PYTHON'
import torch
from transformer_lens.model_bridge.sources import build_bridge_from_module
from transformers import Gemma2Config, Gemma2ForCausalLM, LlamaConfig, LlamaForCausalLM, Olmo2Config, Olmo2ForCausalLM

sizes = dict(vocab_size=64, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
             initializer_range=0.3, pad_token_id=0, bos_token_id=1, eos_token_id=2)
own = dict(head_dim=8, query_pre_attn_scalar=8)
tokens = torch.arange(3, 11)[None]
for kind, config in ((LlamaForCausalLM, LlamaConfig(**sizes)), (Olmo2ForCausalLM, Olmo2Config(**sizes)),
                     (Gemma2ForCausalLM, Gemma2Config(**sizes, **own))):
    torch.manual_seed(0)
    model = kind._from_config(config, attn_implementation="eager").eval()
    bridge = build_bridge_from_module(model, kind.__name__, hf_config=config, dtype=torch.float32).eval()
    bridge.set_use_attn_result(True)
    with torch.no_grad():
        _, cache = bridge.run_with_cache(tokens)
        stream = cache["blocks.1.hook_resid_post"]
        rest = [(cache.get_full_resid_decomposition(expand_neurons=neurons).sum(0) - stream).abs().max().item() for neurons in (False, True)]
    size = stream.abs().max().item()
    print(f"{config.model_type}: stream {size:.1f}, sum less stream: {rest[0]:.1f} with MLPs, {rest[1]:.1f} with neurons")
    if config.model_type == "llama":
        assert max(rest) < 1e-3
    else:
        assert min(rest) > 0.1 * size, "parts add up: it has changed"
PYTHON
