#!/usr/bin/env bash
# A text with a character that the vocabulary of a BPE without an unknown token does not have, as small models of one's own have them
# (`BPE()` has none unless it is told).
#
# Expected: an error, as WordLevel and Unigram raise one; or no token for it, and offsets that say which characters the others stand for.
# True:     the character is left out before anything is merged. What stood on its two sides may become one token; and each offset after it is too
#           small by its length, so that a token says it stands for a piece of text that it does not. The position of an operand looked up by offset is
#           that of its neighbour.
# Seen with tokenizers 0.23.3:
#   "1 + 2=": ['1', '+', '2', '='], offsets name ['1', ' ', '+', ' ']
#   "1+ 2": ['1', '+2']
#   the token at the character "+" of "1 + 2=": 2
#   WordLevel: WordLevel error: Missing [UNK] token from the vocabulary
#   Unigram: Encountered an unknown token but `unk_id` is missing
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check tokenizers==0.23.3
"$work/venv/bin/python" - <<'PYTHON'
from tokenizers import Tokenizer, models

plain = Tokenizer(models.BPE(vocab={"1": 0, "2": 1, "+": 2, "=": 3}, merges=[]))
merging = Tokenizer(models.BPE(vocab={"1": 0, "2": 1, "+": 2, "+2": 3}, merges=[("+", "2")]))
text = "1 + 2="
found = plain.encode(text)
named = [text[start:end] for start, end in found.offsets]
print(f'"{text}": {found.tokens}, offsets name {named}')
joined = merging.encode("1+ 2").tokens
print(f'"1+ 2": {joined}')
token = found.tokens[found.char_to_token(text.index("+"))]
print(f'the token at the character "+" of "{text}": {token}')
assert found.tokens == ["1", "+", "2", "="], "it is not left out: it has changed"
assert named != found.tokens, "offsets are of the text: it has changed"
assert token == "2", "it is the operator's: it has changed"
assert joined == ["1", "+2"], "what a character parts is not joined: it has changed"
for model in (models.WordLevel({"a": 0}, unk_token="?"), models.Unigram([("a", -1.0)])):
    try:
        print("found", Tokenizer(model).encode("b").tokens)
        raise SystemExit("no error: it has changed")
    except Exception as error:
        print(f"{type(model).__name__}: {error}")
PYTHON
