#!/usr/bin/env bash
# Writing what attention reads (`ln1.hook_out`, `ln1.hook_normalized`, `ln1.hook_scale`) in TransformerLens's bridge, with inputs of queries, keys
# and values taken apart (`set_use_split_qkv_input`), as path patching wants them.
#
# Expected: an edit there counts with the switch as without it: the three inputs are made of what the norm gives.
# True:     with the switch each input goes through a norm of its own, computed beside the hooks. They still fire, on the norm of before, whose output
#           nobody reads: what is written is lost without a word, and a patch there says that attention of that layer does not matter.
# Seen with transformer-lens 4.3.0, transformers 5.24.0, torch 2.15.0 (zeros written; largest difference of a logit from the run without):
#   ln1.hook_out: 7.9, with split inputs 0.0
#   ln1.hook_normalized: 7.9, with split inputs 0.0
#   attn.hook_q_input, with split inputs: 7.8
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check transformer-lens==4.3.0 transformers==5.24.0 torch==2.15.0
"$work/venv/bin/python" - <<'PYTHON'
import torch
from transformer_lens.model_bridge.sources import build_bridge_from_module
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
config = LlamaConfig(vocab_size=64, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
                     num_key_value_heads=2, initializer_range=0.3, pad_token_id=0, bos_token_id=1, eos_token_id=2)
model = LlamaForCausalLM._from_config(config, attn_implementation="eager").eval()
bridge = build_bridge_from_module(model, "LlamaForCausalLM", hf_config=config, dtype=torch.float32).eval()
tokens = torch.arange(3, 11)[None]


def moved(name):
    """How far logits move when a hook's value is replaced by zeros."""
    fired = []

    def zeros(value, hook):
        fired.append(hook.name)
        return torch.zeros_like(value)

    with torch.no_grad():
        found = bridge.run_with_hooks(tokens, fwd_hooks=[(f"blocks.0.{name}", zeros)]) - bridge(tokens)
    assert fired, f"{name} did not fire"
    return found.abs().max().item()


names = ("ln1.hook_out", "ln1.hook_normalized")
together = [moved(name) for name in names]
bridge.set_use_split_qkv_input(True)
for name, before in zip(names, together):
    apart = moved(name)
    print(f"{name}: {before:.1f}, with split inputs {apart:.1f}")
    assert before > 0.1, "it does not count without the switch either"
    assert apart < 1e-3, "it counts: it has changed"
query = moved("attn.hook_q_input")
print(f"attn.hook_q_input, with split inputs: {query:.1f}")
assert query > 0.1
PYTHON
