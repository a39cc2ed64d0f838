#!/usr/bin/env bash
# The rotary base of a GPT-NeoX configuration, by the name that all other families have.
#
# Expected: `rope_theta` is the base, as for Llama, Mistral and Qwen, and as GPT-NeoX's own `rope_parameters` calls it.
# True:     at the top level the name is not read for this family: the base stays 10000 and nothing is said. `rotary_emb_base` is read; so is
#           `rotary_pct`, where `partial_rotary_factor` is not.
# Seen with transformers 5.24.0:
#   rope_theta 500000: base 10000.0
#   rotary_emb_base 500000: base 500000
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0
"$work/venv/bin/python" - "$work" <<'PYTHON'
from transformers import GPTNeoXConfig, LlamaConfig

small = dict(hidden_size=32, num_hidden_layers=1, num_attention_heads=4)
assert LlamaConfig(**small, rope_theta=500000.0).rope_parameters["rope_theta"] == 500000.0
for name, expected in (("rope_theta", 10000.0), ("rotary_emb_base", 500000)):
    base = GPTNeoXConfig(**small, **{name: 500000}).rope_parameters["rope_theta"]
    print(f"{name} 500000: base {base}")
    assert base == expected, "it has changed"
PYTHON
