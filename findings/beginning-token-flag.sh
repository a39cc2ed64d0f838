#!/usr/bin/env bash
# Who decides on the beginning token: `add_bos_token` in tokenizer_config.json, or the template in tokenizer.json.
#
# Expected: the flag, which says it in words: false leaves the token out, true puts it.
# True:     for the class of Llama 3 (PreTrainedTokenizerFast) the flag is ignored: what the template (post_processor) puts first is put
#           first, and nothing else. Who sets the flag to false to get rid of the token still has it, and every position is one off.
# Seen with transformers 5.24.0 and tokenizers 0.23.3:
#   template True, add_bos_token False: [0, 1, 2]
#   template True, add_bos_token True: [0, 1, 2]
#   template False, add_bos_token False: [1, 2]
#   template False, add_bos_token True: [1, 2]
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

for template in (True, False):
    for flag in (False, True):
        folder = Path(sys.argv[1], f"{template}-{flag}")
        folder.mkdir()
        tokenizer = Tokenizer(models.WordLevel({"<s>": 0, "a": 1, "b": 2}, unk_token="a"))
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        tokenizer.add_special_tokens(["<s>"])
        if template:
            tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
        tokenizer.save(str(folder / "tokenizer.json"))
        settings = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "add_bos_token": flag}
        (folder / "tokenizer_config.json").write_text(json.dumps(settings))
        found = AutoTokenizer.from_pretrained(folder)("a b")["input_ids"]
        print(f"template {template}, add_bos_token {flag}: {found}")
        assert found == ([0, 1, 2] if template else [1, 2]), "the flag decides: it has changed"
PYTHON
