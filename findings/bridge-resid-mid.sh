#!/usr/bin/env bash
# Writing the residual stream between attention and MLP (`hook_resid_mid`) in TransformerLens's bridge.
#
# Expected: as in HookedTransformer: what is written is the stream from there on, so that the block ends with it plus what its MLP makes of it.
# True:     the hook is the input of the MLP's norm. The MLP reads what is written; the stream goes past it with the old values, and the
#           block ends with these plus the MLP's output. A patch at hook_resid_mid measures the path through one MLP, not the stream.
# Seen with transformer-lens 4.3.0, transformers 5.24.0, torch 2.15.0 (zeros written; the MLP has no biases and gives zeros then):
#   largest value at the block's end: 7.2, from the stream as it was: 0.0
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check transformer-lens==4.3.0 transformers==5.24.0 torch==2.15.0
"$work/venv/bin/python" - <<'PYTHON'
import torch
from transformer_lens.model_bridge.sources import build_bridge_from_module
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
config = LlamaConfig(vocab_size=64, hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, initializer_range=0.3)
model = LlamaForCausalLM._from_config(config, attn_implementation="eager").eval()
bridge = build_bridge_from_module(model, "LlamaForCausalLM", hf_config=config, dtype=torch.float32).eval()
tokens, ended = torch.arange(3, 11)[None], {}
with torch.no_grad():
    _, cache = bridge.run_with_cache(tokens)
    for at in ("mid", "post"):
        hooks = [(f"blocks.0.hook_resid_{at}", lambda value, hook: torch.zeros_like(value)),
                 ("blocks.1.hook_resid_pre", lambda value, hook: ended.update({at: value.clone()}))]
        bridge.run_with_hooks(tokens, fwd_hooks=hooks)
assert not ended["post"].any(), "what is written at hook_resid_post is not the stream either"
largest = ended["mid"].abs().max().item()
old = (ended["mid"] - cache["blocks.0.hook_resid_mid"]).abs().max().item()
print(f"largest value at the block's end: {largest:.1f}, from the stream as it was: {old:.1f}")
assert largest > 0.1 and old < 1e-5, "the stream is written: it has changed"
PYTHON
