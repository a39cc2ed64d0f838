#!/usr/bin/env bash
# Which base the rotations of OLMo 3's layers have in a configuration that gives one, as transformers 4 wrote it (`rope_theta`).
#
# Expected: that base, in every layer.
# True:     layers of full attention have it; sliding ones, three of four, have 500000 whatever it says: the key is taken out of the
#           configuration (kwargs.pop) for the first and is missing for the second. Published OLMo 3 have 500000, so they lose nothing.
# Seen with transformers 5.24.0:
#   sliding_attention: 500000.0, full_attention: 10000.0
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0
"$work/venv/bin/python" - <<'PYTHON'
from transformers import Olmo3Config

config = Olmo3Config.from_dict({"model_type": "olmo3", "hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4,
                                "rope_theta": 10000.0})
bases = {kind: rope["rope_theta"] for kind, rope in config.rope_parameters.items()}
print(bases)
assert bases["full_attention"] == 10000.0, "layers of full attention have another: it has changed"
assert bases["sliding_attention"] == 500000.0, "sliding layers have the base of the file: it has changed"
PYTHON
