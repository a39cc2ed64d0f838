#!/usr/bin/env bash
# A rotary scaling whose factor is given and whose type is not.
#
# Expected: linear scaling, the oldest kind, as llama.cpp takes a GGUF file with a factor alone; or an error.
# True:     transformers takes it for no scaling at all: positions are not divided, and the factor stays in the configuration as if it did
#           something. The same settings in a GGUF file and in a config.json are two models.
# Seen with transformers 5.24.0:
#   {'factor': 4.0, 'rope_theta': 10000.0, 'rope_type': 'default'}
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0
"$work/venv/bin/python" - "$work" <<'PYTHON'
from transformers import LlamaConfig

found = LlamaConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=4, rope_scaling={"factor": 4.0})
print(found.rope_parameters)
assert found.rope_parameters["factor"] == 4.0
assert found.rope_parameters["rope_type"] == "default", "it has changed"
PYTHON
