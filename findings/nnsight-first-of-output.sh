#!/usr/bin/env bash
# What `layer.output[0][:, -1] = 0` of an nnsight notebook edits: the last position of each prompt, as written for layers that return a tuple.
#
# Expected: that, or an error.
# True:     layers of transformers 5 return the stream itself. `output[0]` is then the first prompt, and `[:, -1]` its last dimension at every
#           position: one number of each of its tokens is set to zero, no other prompt is touched, and the shapes fit. The same in a hook of PyTorch.
# Seen with nnsight 0.8.1, transformers 5.24.0, torch 2.15.0 (a batch of two equal prompts; positions whose logits move):
#   output[0][:, -1] = 0: [8, 0]
#   output[:, -1] = 0: [1, 1]
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check nnsight==0.8.1 transformers==5.24.0 torch==2.15.0
cat > "$work/edit.py" <<'PYTHON'
import torch
from nnsight import NNsight
from transformers import GPT2Config, GPT2LMHeadModel

torch.manual_seed(0)
model = GPT2LMHeadModel(GPT2Config(vocab_size=64, n_embd=32, n_layer=2, n_head=2, n_positions=32, initializer_range=0.3,
                                   bos_token_id=1, eos_token_id=2)).eval()
tokens = torch.arange(3, 11)[None].repeat(2, 1)
traced = NNsight(model)
with torch.no_grad():
    clean = model(tokens).logits
    with traced.trace(tokens):
        traced.transformer.h[0].output[0][:, -1] = 0
        first = traced.lm_head.output.save()
    with traced.trace(tokens):
        traced.transformer.h[0].output[:, -1] = 0
        whole = traced.lm_head.output.save()


def moved(logits):
    """How many positions of each prompt have other logits."""
    return ((logits - clean).abs().amax(-1) > 1e-4).sum(-1).tolist()


print("output[0][:, -1] = 0:", moved(first))
print("output[:, -1] = 0:", moved(whole))
assert moved(whole) == [1, 1]
assert moved(first) == [8, 0], "it is not the first prompt's last dimension: it has changed"
PYTHON
"$work/venv/bin/python" "$work/edit.py"
