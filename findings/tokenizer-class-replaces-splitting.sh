#!/usr/bin/env bash
# A tokenizer.json that splits numbers into digits, in a folder whose tokenizer_class is GPT2Tokenizer (SmolLM2 is published so).
#
# Expected: tokenizer.json decides how text is split, as for transformers 4's fast tokenizers: "12" is two tokens.
# True:     transformers 5 builds GPT-2's own pre-tokenizer anew and puts it in the place of the file's, so that "12" is one token wherever the
#           vocabulary has it. Arithmetic on such a model is another task in 4 and in 5.
# Seen with transformers 5.24.0 and tokenizers 0.23.3:
#   tokenizer.json alone: ['1', '2']
#   GPT2Tokenizer: ['12']
#   PreTrainedTokenizerFast: ['1', '2']
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

letters = sorted(pre_tokenizers.ByteLevel.alphabet())
vocab = {letter: number for number, letter in enumerate(letters)} | {"12": len(letters)}
tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[("1", "2")]))
digits, byte_level = pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, byte_level])
alone = tokenizer.encode("12").tokens
print("tokenizer.json alone:", alone)
assert alone == ["1", "2"]
for kind, expected in (("GPT2Tokenizer", ["12"]), ("PreTrainedTokenizerFast", ["1", "2"])):
    folder = Path(sys.argv[1], kind)
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": kind}))
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
    loaded = AutoTokenizer.from_pretrained(folder)
    found = loaded.convert_ids_to_tokens(loaded("12")["input_ids"])
    print(f"{kind}: {found}")
    assert found == expected, "it has changed"
PYTHON
