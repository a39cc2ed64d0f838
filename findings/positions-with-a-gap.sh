#!/usr/bin/env bash
# Positions of one's own (`position_ids`), which do not go up by one at each token: the second half of a prompt moved away, or two tokens at one place.
#
# Expected: only the rotations are others: a query sees every token before it.
# True:     without `attention_mask` and cache, each step other than +1 is taken for the beginning of another text packed into the same row. Nothing
#           after it sees anything before it, and nothing is said: what looks like the effect of a distance is that of a cut. With a mask of ones,
#           which masks nothing, or with the cache (`use_cache=True`, the default of most configurations), all tokens are seen.
# Seen with transformers 5.24.0, torch 2.15.0 (positions 0 to 3, then 10 to 13; largest difference of a logit):
#   with a mask of ones and with the cache: 0.0
#   without either, from these: 6.9; its second half, from that half run alone: 0.0
#   two tokens at one place, without either, from a mask of ones: 5.8
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0 torch==2.15.0
"$work/venv/bin/python" - <<'PYTHON'
import torch
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
model = LlamaForCausalLM(LlamaConfig(vocab_size=64, hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
                                     num_key_value_heads=2, initializer_range=0.3, pad_token_id=0, bos_token_id=1, eos_token_id=2)).eval()
tokens = torch.arange(3, 11)[None]
gap, shared = torch.tensor([[0, 1, 2, 3, 10, 11, 12, 13]]), torch.tensor([[0, 1, 2, 3, 3, 4, 5, 6]])


def logits(tokens, positions, **settings):
    with torch.no_grad():
        return model(tokens, position_ids=positions, **settings).logits


def apart(one, other):
    return (one - other).abs().max().item()


ones = torch.ones_like(tokens)
masked, cached, bare = logits(tokens, gap, attention_mask=ones), logits(tokens, gap, use_cache=True), logits(tokens, gap, use_cache=False)
alone = logits(tokens[:, 4:], gap[:, 4:], use_cache=False)
together = apart(logits(tokens, shared, use_cache=False), logits(tokens, shared, attention_mask=ones))
print(f"with a mask of ones and with the cache: {apart(masked, cached):.1f}")
print(f"without either, from these: {apart(masked, bare):.1f}; its second half, from that half run alone: {apart(bare[:, 4:], alone):.1f}")
print(f"two tokens at one place, without either, from a mask of ones: {together:.1f}")
assert apart(masked, cached) < 1e-4
assert apart(masked, bare) > 0.1 and together > 0.1, "all tokens are seen: it has changed"
assert apart(bare[:, 4:], alone) < 1e-4
PYTHON
