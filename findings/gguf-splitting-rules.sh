#!/usr/bin/env bash
# How a GGUF file says that text is to be split (`tokenizer.ggml.pre`), and whether a space is put before it (`tokenizer.ggml.add_space_prefix`).
#
# Expected: both are followed, as llama.cpp follows them, or the file is refused: a rule is there because tokens depend on it.
# True:     rules on a list of 23 names are followed; by any other name, llama.cpp's own or not, text is split by GPT-2's rule without a word, so that
#           the number 12 is one token in a vocabulary whose rule takes digits apart (SmolLM, Command R, StarCoder). The switch of the space
#           is read and then not asked: a space is put where the file says that there is none.
# Seen with transformers 5.24.0, tokenizers 0.23.3, gguf 0.19.0 ("12"; the rules of llama.cpp's source take digits apart in the first five):
#   qwen2 ['1', '2']
#   smollm ['12']
#   command-r ['12']
#   starcoder ['12']
#   refact ['12']
#   a name that nobody gave ['12']
#   add_space_prefix True ['▁a']
#   add_space_prefix False ['▁a']
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0 tokenizers==0.23.3 torch==2.15.0 gguf==0.19.0
"$work/venv/bin/python" - "$work" <<'PYTHON'
import sys

import gguf
from tokenizers import pre_tokenizers
from transformers import AutoTokenizer


def read(kind, tokens, types, **settings):
    """The tokenizer of a file that has no tensors."""
    file = gguf.GGUFWriter(f"{sys.argv[1]}/model.gguf", "llama")
    sizes = dict(vocab_size=len(tokens), context_length=64, block_count=1, embedding_length=32, feed_forward_length=32, head_count=2,
                 head_count_kv=2, layer_norm_rms_eps=1e-6)
    written = dict(tokenizer_model=kind, token_list=tokens, token_types=types, bos_token_id=0, eos_token_id=0)
    for name, value in (sizes | written | settings).items():
        getattr(file, f"add_{name}")(value)
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()
    return AutoTokenizer.from_pretrained(sys.argv[1], gguf_file="model.gguf")


letters = ["<|end|>"] + sorted(pre_tokenizers.ByteLevel.alphabet()) + ["12"]
kinds = [gguf.TokenType.CONTROL] + [gguf.TokenType.NORMAL] * (len(letters) - 1)
for rule in ("qwen2", "smollm", "command-r", "starcoder", "refact", "a name that nobody gave"):
    found = read("gpt2", letters, kinds, tokenizer_pre=rule, token_merges=["1 2"]).tokenize("12")
    print(rule, found)
    assert found == (["1", "2"] if rule == "qwen2" else ["12"]), "the rule is followed: it has changed"

pieces = ["<s>", "\u2581", "a", "\u2581a"]
kinds = [gguf.TokenType.CONTROL] + [gguf.TokenType.NORMAL] * 3
for put in (True, False):
    found = read("llama", pieces, kinds, token_scores=[0.0, -1.0, -2.0, -3.0], add_space_prefix=put).tokenize("a")
    print("add_space_prefix", put, found)
    assert found == ["\u2581a"], "the switch is followed: it has changed"
PYTHON
