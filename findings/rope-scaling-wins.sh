#!/usr/bin/env bash
# Which of two rotary scalings a configuration follows that has both `rope_parameters` and `rope_scaling`.
#
# Expected: `rope_parameters`, the key of transformers 5, or an error: the file contradicts itself.
# True:     `rope_scaling`, the key of transformers 4, replaces all of the other without a word, the base (rope_theta) included, which falls
#           back to 10000. Who adds the old key by hand to a configuration that transformers 5 saved gets the scaling and another base.
# Seen with transformers 5.24.0:
#   saved:    {'rope_type': 'default', 'rope_theta': 500000.0}
#   followed: {'rope_type': 'linear', 'factor': 4.0, 'rope_theta': 10000.0}
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0
"$work/venv/bin/python" - "$work" <<'PYTHON'
from transformers import LlamaConfig

small = dict(hidden_size=32, num_hidden_layers=1, num_attention_heads=4)
saved = LlamaConfig(**small, rope_parameters={"rope_type": "default", "rope_theta": 500000.0}).to_dict()
print("saved:   ", saved["rope_parameters"])
assert saved["rope_parameters"]["rope_theta"] == 500000.0
both = LlamaConfig.from_dict({**saved, "rope_scaling": {"rope_type": "linear", "factor": 4.0}})
print("followed:", both.rope_parameters)
assert both.rope_parameters["rope_type"] == "linear", "rope_parameters are followed: it has changed"
assert both.rope_parameters["rope_theta"] == 10000.0, "the base is kept: it has changed"
PYTHON
