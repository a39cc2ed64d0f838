#!/usr/bin/env bash
# A configuration says `tie_word_embeddings`, and the weights hold an unembedding that is not the embedding.
#
# Expected: the configuration decides, as in transformers 4: the unembedding in the file is not used.
# True:     transformers 5 compares the two. Where they differ, the file's is used and embeddings are not tied; it warns. The same folder is
#           another model in 4 and in 5.
# Seen with transformers 5.24.0 and torch 2.15.0:
#   the file's unembedding: largest difference of a logit 0.0
#   the embedding in its place: 6.3
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0 torch==2.15.0
"$work/venv/bin/python" - "$work/model" <<'PYTHON'
import json
import sys

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

folder = sys.argv[1]
torch.manual_seed(0)
config = LlamaConfig(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, vocab_size=100,
                     initializer_range=0.3, tie_word_embeddings=False)
made = LlamaForCausalLM(config).eval()
made.save_pretrained(folder)
settings = json.load(open(f"{folder}/config.json"))
settings["tie_word_embeddings"] = True
json.dump(settings, open(f"{folder}/config.json", "w"))

tokens = torch.tensor([[5, 17, 3, 42]])
with torch.no_grad():
    stream = made.model(tokens).last_hidden_state
    own, tied = stream @ made.lm_head.weight.T, stream @ made.model.embed_tokens.weight.T
    loaded = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()(tokens).logits
from_own, from_tied = float((loaded - own).abs().max()), float((loaded - tied).abs().max())
print(f"the file's unembedding: largest difference of a logit {from_own:.2}")
print(f"the embedding in its place: {from_tied:.2}")
assert from_own < 1e-4 and from_tied > 0.1, "the configuration decides: it has changed"
PYTHON
