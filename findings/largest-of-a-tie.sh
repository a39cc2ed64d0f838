#!/usr/bin/env bash
# Which of several equal logits is the largest: `argmax`, which greedy decoding takes, and the first of `topk`, with which lists of likely tokens begin.
#
# Expected: the same: both document the largest element, and `argmax` the first of several.
# True:     `topk` makes no order among equals: it may begin with another, and which one depends on how many are asked for. Logits in bfloat16
#           have three digits, so that the two largest of a vocabulary are equal now and then: the model then "says" one token, and the list
#           beside it has another on top. (`sort` is in order with `stable=True` alone.)
# Seen with torch 2.15.0 on a CPU:
#   [0, 1, 1, 0, 1, 1]: argmax 1, topk 1 to 4: [1], [1, 5], [1, 5, 4], [1, 5, 4, 2]
#   zeros of a vocabulary: argmax 0, topk 5: [3, 4, 1, 0, 2]
#   1000 draws of 32000 logits in bfloat16: 42 have several largest; in 19 topk 5 begins with another than argmax
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.15.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import torch

tied = torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0, 1.0])
lists = [torch.topk(tied, k).indices.tolist() for k in range(1, 5)]
print(f"[0, 1, 1, 0, 1, 1]: argmax {tied.argmax().item()}, topk 1 to 4:", ", ".join(map(str, lists)))
zeros = torch.zeros(50257)
print(f"zeros of a vocabulary: argmax {zeros.argmax().item()}, topk 5: {torch.topk(zeros, 5).indices.tolist()}")
torch.manual_seed(0)
several = other = 0
for _ in range(1000):
    logits = torch.randn(32000).bfloat16()
    top = torch.topk(logits, 5).indices[0]
    assert logits[top] == logits.max()
    several += (logits == logits.max()).sum().item() > 1
    other += (top != logits.argmax()).item()
print(f"1000 draws of 32000 logits in bfloat16: {several} have several largest; in {other} topk 5 begins with another than argmax")
assert tied.argmax() == 1 and zeros.argmax() == 0
assert other > 0, "topk begins with argmax: it has changed"
PYTHON
