#!/usr/bin/env bash
# The length that a Phi-3 with longrope was trained on first, written where the rotary scaling of other families has it.
#
# Expected: `rope_parameters.original_max_position_embeddings` counts, as for Llama's longrope.
# True:     it is replaced without a word by 4096, the default of Phi-3's own key of that name at the top level, which the file does not have. The
#           prompt length from which the long factors are used, and the factor of attention, are then another's. Published Phi-3 have the key
#           at the top level.
# Seen with transformers 5.24.0:
#   llama: 8192
#   phi3: 4096
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0
"$work/venv/bin/python" - <<'PYTHON'
from transformers import LlamaConfig, Phi3Config

for kind, expected in ((LlamaConfig, 8192), (Phi3Config, 4096)):
    rope = {"rope_type": "longrope", "rope_theta": 10000.0, "original_max_position_embeddings": 8192, "factor": 4.0,
            "short_factor": [1.0] * 8, "long_factor": [4.0] * 8}
    config = kind.from_dict({"model_type": kind.model_type, "hidden_size": 32, "num_attention_heads": 2, "num_hidden_layers": 2,
                             "vocab_size": 64, "pad_token_id": 0, "eos_token_id": 1, "max_position_embeddings": 32768,
                             "rope_parameters": rope})
    found = config.rope_parameters["original_max_position_embeddings"]
    print(f"{kind.model_type}: {found}")
    assert found == expected, "it has changed"
PYTHON
