#!/usr/bin/env bash
# `add_prefix_space` in tokenizer_config.json against the pre-tokenizer in tokenizer.json.
#
# Expected: tokenizer.json decides, as it does for the beginning token: it is the whole tokenizer in one file.
# True:     the flag decides for GPT-2's class: its pre-tokenizer is put in the place of the file's, so that a text gets a space before it, and
#           its first token is another. A reader of tokenizer.json alone, such as the tokenizers library, has other tokens.
# Seen with transformers 5.24.0 and tokenizers 0.23.3:
#   tokenizer.json alone: ['a']
#   GPT2Tokenizer, add_prefix_space True: ['Ġa']
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
vocab = {letter: number for number, letter in enumerate(letters)} | {"\u0120a": len(letters)}
tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[("\u0120", "a")]))
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.save(str(folder / "tokenizer.json"))
alone = tokenizer.encode("a").tokens
print("tokenizer.json alone:", alone)
settings = {"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": True}
(folder / "tokenizer_config.json").write_text(json.dumps(settings))
loaded = AutoTokenizer.from_pretrained(folder)
found = loaded.convert_ids_to_tokens(loaded("a")["input_ids"])
print("GPT2Tokenizer, add_prefix_space True:", found)
assert (alone, found) == (["a"], ["\u0120a"]), "the file decides: it has changed"
PYTHON
