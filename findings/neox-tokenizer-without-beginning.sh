#!/usr/bin/env bash
# How a folder of GPTNeoXTokenizer says that a text begins with a token.
#
# Expected: by the template in tokenizer.json, or by `add_bos_token` in tokenizer_config.json: one of the two is followed.
# True:     neither is, with a tokenizer.json: the class drops the file's template as it is made, and the setting is taken out because there
#           is a tokenizer.json. No file of the folder puts the token.
# Seen with transformers 5.24.0 and tokenizers 0.23.3:
#   tokenizer.json alone: [0, 1]
#   GPTNeoXTokenizer, add_bos_token True: [1]
#   GPTNeoXTokenizer, add_bos_token False: [1]
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0 tokenizers==0.23.3
"$work/venv/bin/python" - "$work" <<'PYTHON'
import json
import sys
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import AutoTokenizer

letters = ["<s>", "a", *sorted(set(pre_tokenizers.ByteLevel.alphabet()) - {"a"})]
tokenizer = Tokenizer(models.BPE(vocab={letter: number for number, letter in enumerate(letters)}, merges=[]))
tokenizer.add_special_tokens(["<s>"])
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
alone = tokenizer.encode("a").ids
print("tokenizer.json alone:", alone)
assert alone == [0, 1]
for flag in (True, False):
    folder = Path(sys.argv[1], str(flag))
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "GPTNeoXTokenizer", "bos_token": "<s>", "add_bos_token": flag}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "config.json").write_text(json.dumps({"model_type": "gpt_neox"}))
    found = AutoTokenizer.from_pretrained(folder)("a")["input_ids"]
    print(f"GPTNeoXTokenizer, add_bos_token {flag}: {found}")
    assert found == [1], "it has changed"
PYTHON
