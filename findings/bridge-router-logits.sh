#!/usr/bin/env bash
# Writing the router's logits of a mixture of experts (`mlp.gate.hook_out`) in TransformerLens's bridge.
#
# Expected: experts are chosen and weighed by what is written: weights are the softmax of these logits, and the choice their largest.
# True:     the hook stands after the choice: experts and their weights are taken from the logits as they were, and nothing reads what is written,
#           so that every logit stays the same to the bit and a patch there seems to say that routing does not matter.
#           `mlp.gate.hook_expert_weights` does count.
# Seen with transformer-lens 4.3.0, transformers 5.24.0, torch 2.15.0 (each value given to another expert):
#   largest difference of a logit, hook_out: 0.0, hook_expert_weights: 5.2
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check transformer-lens==4.3.0 transformers==5.24.0 torch==2.15.0
"$work/venv/bin/python" - <<'PYTHON'
import torch
from transformer_lens.model_bridge.sources import build_bridge_from_module
from transformers import MixtralConfig, MixtralForCausalLM

torch.manual_seed(0)
config = MixtralConfig(vocab_size=64, hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
                       num_key_value_heads=2, num_local_experts=4, num_experts_per_tok=2, initializer_range=0.3)
model = MixtralForCausalLM._from_config(config, attn_implementation="eager").eval()
bridge = build_bridge_from_module(model, "MixtralForCausalLM", hf_config=config, dtype=torch.float32).eval()
tokens, moved, fired = torch.arange(3, 11)[None], {}, []


def others(value, hook):
    """The same values, each at another expert."""
    fired.append(hook.name)
    return value.flip(-1)


with torch.no_grad():
    clean = bridge(tokens)
    for name in ("hook_out", "hook_expert_weights"):
        found = bridge.run_with_hooks(tokens, fwd_hooks=[(f"blocks.0.mlp.gate.{name}", others)])
        moved[name] = (found - clean).abs().max().item()
assert len(fired) == 2, "a hook did not fire"
print(", ".join(["largest difference of a logit"] + [f"{name}: {value:.1f}" for name, value in moved.items()]))
assert moved["hook_expert_weights"] > 0.1, "weights of experts do not count either"
assert moved["hook_out"] == 0.0, "logits of the router count: it has changed"
PYTHON
