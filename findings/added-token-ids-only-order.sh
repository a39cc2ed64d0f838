#!/usr/bin/env bash
# The ids in `added_tokens_decoder` of tokenizer_config.json.
#
# Expected: a token has the id that stands there, or the file is refused where that id is not the next one.
# True:     the ids only order the tokens: each gets the next free id of the vocabulary, without a word. A model whose embedding has the
#           token in row 500 is asked about row 256.
# Seen with transformers 5.24.0 and tokenizers 0.23.3:
#   written 500, given 256
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0 tokenizers==0.23.3
"$work/venv/bin/python" - "$work" <<'PYTHON'
import json
import sys
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer

folder = Path(sys.argv[1])
letters = sorted(pre_tokenizers.ByteLevel.alphabet())
tokenizer = Tokenizer(models.BPE(vocab={letter: number for number, letter in enumerate(letters)}, merges=[]))
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.save(str(folder / "tokenizer.json"))
token = {"content": "<|user|>", "special": True, "normalized": False, "lstrip": False, "rstrip": False, "single_word": False}
settings = {"tokenizer_class": "PreTrainedTokenizerFast", "added_tokens_decoder": {"500": token}}
(folder / "tokenizer_config.json").write_text(json.dumps(settings))
found = AutoTokenizer.from_pretrained(folder)("<|user|>")["input_ids"]
print(f"written 500, given {found[0]}")
assert found == [len(letters)], "the id that is written is followed, or it is refused: it has changed"
PYTHON
