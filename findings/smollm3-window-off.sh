#!/usr/bin/env bash
# A SmolLM3 with `use_sliding_window: false` whose `layer_types` name sliding layers.
#
# Expected: no window, as the switch says; layers say so themselves (`self_attn.sliding_window` is None).
# True:     the mask goes by `layer_types` and `sliding_window` alone, so that these layers see the window's keys and no others: logits are
#           those of a model whose switch is on.
# Seen with transformers 5.24.0, torch 2.15.0, eager attention:
#   window of the layer: None
#   largest difference of a logit from the switch on: 0.0, from layers of full attention: 6.8
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0 torch==2.15.0
"$work/venv/bin/python" - <<'PYTHON'
import torch
from transformers import SmolLM3Config, SmolLM3ForCausalLM


def made(switch, kind):
    config = SmolLM3Config(vocab_size=32, hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
                           num_key_value_heads=2, initializer_range=0.3, sliding_window=2, use_sliding_window=switch,
                           layer_types=[kind, kind], pad_token_id=0, bos_token_id=1, eos_token_id=2)
    torch.manual_seed(0)
    return SmolLM3ForCausalLM._from_config(config, attn_implementation="eager").eval()


tokens = torch.arange(3, 13)[None]
off, on, full = made(False, "sliding_attention"), made(True, "sliding_attention"), made(False, "full_attention")
print("window of the layer:", off.model.layers[0].self_attn.sliding_window)
with torch.no_grad():
    from_on, from_full = ((off(tokens).logits - other(tokens).logits).abs().max().item() for other in (on, full))
print(f"largest difference of a logit from the switch on: {from_on:.1f}, from layers of full attention: {from_full:.1f}")
assert off.model.layers[0].self_attn.sliding_window is None
assert from_on == 0.0 and from_full > 0.1, "the switch is followed: it has changed"
PYTHON
