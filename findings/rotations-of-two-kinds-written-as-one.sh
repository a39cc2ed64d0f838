#!/usr/bin/env bash
# What a configuration of Gemma 3 or OLMo 3 is read as whose `rope_parameters` are those of other families: one base for all layers.
#
# Expected: that base in both kinds of layer, or an error: these families have one entry for each kind.
# True:     it is kept beside the entries of both kinds, which have the family's defaults (10000 and 1000000; 500000), and nothing reads it.
# Seen with transformers 5.24.0:
#   gemma3_text {'rope_type': 'default', 'rope_theta': 77.0, 'full_attention': {…, 'rope_theta': 1000000.0}, 'sliding_attention': {…, 'rope_theta': 10000.0}}
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0
"$work/venv/bin/python" - <<'PYTHON'
from transformers import Gemma3TextConfig, Olmo3Config

small = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, layer_types=["sliding_attention", "full_attention"])
for kind, default in ((Gemma3TextConfig, 10000.0), (Olmo3Config, 500000.0)):
    rope = kind.from_dict({**small, "rope_parameters": {"rope_type": "default", "rope_theta": 77.0}}).rope_parameters
    print(kind.model_type, rope)
    assert rope["sliding_attention"]["rope_theta"] == default, "the base of the file is followed: it has changed"
PYTHON
