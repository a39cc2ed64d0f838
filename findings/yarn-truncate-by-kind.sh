#!/usr/bin/env bash
# `truncate: false` of YaRN (its ramp between frequencies not rounded to whole dimensions) in a configuration with rotations for each kind of layer.
#
# Expected: as all other keys of YaRN: it counts in the entry of the kind of layer that it stands in.
# True:     it is looked for beside the entries, where a file has it only by mistake, so that the ramp is rounded whatever the entry says,
#           and nothing warns. In a configuration with one rotation for all layers the same key counts.
# Seen with transformers 5.24.0, torch 2.15.0:
#   largest difference of a frequency that it makes, one rotation: 13%, one for each kind: 0%
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0 torch==2.15.0
"$work/venv/bin/python" - <<'PYTHON'
from transformers import LlamaConfig, LlamaForCausalLM, Olmo3Config, Olmo3ForCausalLM

small = dict(vocab_size=8, hidden_size=64, intermediate_size=8, num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=4096,
             pad_token_id=0, eos_token_id=1)


def yarn(truncate):
    return {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 8.0, "original_max_position_embeddings": 512, "truncate": truncate}


def one(truncate):
    return LlamaForCausalLM(LlamaConfig(**small, rope_parameters=yarn(truncate))).model.rotary_emb.inv_freq


def each(truncate):
    plain = {"rope_type": "default", "rope_theta": 10000.0}
    rope = {"full_attention": yarn(truncate), "sliding_attention": plain}
    config = Olmo3Config(**small, layer_types=["sliding_attention", "full_attention"], rope_parameters=rope)
    return Olmo3ForCausalLM(config).model.rotary_emb.full_attention_inv_freq


apart = [(frequencies(False) / frequencies(True) - 1).abs().max().item() for frequencies in (one, each)]
print(f"largest difference of a frequency that it makes, one rotation: {apart[0]:.0%}, one for each kind: {apart[1]:.0%}")
assert apart[0] > 0.01, "it counts nowhere"
assert apart[1] == 0.0, "it counts in an entry: it has changed"
PYTHON
