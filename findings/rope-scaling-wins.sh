#!/usr/bin/env bash
# Which of two rotary scalings a configuration follows that has both `rope_parameters` and `rope_scaling`.
#
# Expected: `rope_parameters`, the key of transformers 5, or an error: the file contradicts itself.
# True:     `rope_scaling`, the key of transformers 4, replaces it without a word. Who adds the old key by hand to a configuration that
#           transformers 5 saved gets the scaling; a reader that looks at the new key alone computes other logits.
# Seen with transformers 5.24.0:
#   saved:    {'rope_theta': 10000.0, 'rope_type': 'default'}
#   followed: {'rope_type': 'linear', 'factor': 4.0, 'rope_theta': 10000.0}
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0
"$work/venv/bin/python" - <<'PYTHON'
from transformers import LlamaConfig

saved = LlamaConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=4).to_dict()
print("saved:   ", saved["rope_parameters"])
assert saved["rope_parameters"]["rope_type"] == "default"
both = LlamaConfig.from_dict({**saved, "rope_scaling": {"rope_type": "linear", "factor": 4.0}})
print("followed:", both.rope_parameters)
assert both.rope_parameters["rope_type"] == "linear", "rope_parameters are followed: it has changed"
assert both.rope_parameters["factor"] == 4.0
PYTHON
