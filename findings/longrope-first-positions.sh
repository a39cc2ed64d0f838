#!/usr/bin/env bash
# Whether a token after a prompt changes what a Phi-3 with longrope says at the prompt's positions.
#
# Expected: no: a causal model's logits at a position depend on the tokens up to it, so that keys and values of a prefix can be kept for every
#           prompt that begins with it.
# True:     the token that makes the prompt longer than the original length turns all positions, the first ones too, by the long factors
#           instead of the short ones. A cache of the prefix holds keys turned by the short ones; the token run on top of it has other logits than
#           in the whole prompt. (`generate` knows and computes the cache anew; a call of the model does not.)
# Seen with transformers 5.24.0, torch 2.15.0:
#   8 tokens and 7: largest difference of a logit of the first 7: 0.0
#   9 tokens and 8: largest difference of a logit of the first 8: 3.9
#   token 9 on a cache of 8 and in the whole prompt: 3.0
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0 torch==2.15.0
"$work/venv/bin/python" - <<'PYTHON'
import torch
from transformers import DynamicCache, Phi3Config, Phi3ForCausalLM

torch.manual_seed(0)
rope = {"rope_type": "longrope", "rope_theta": 10000.0, "short_factor": [1.0] * 8, "long_factor": [4.0] * 8}
model = Phi3ForCausalLM(Phi3Config(
    vocab_size=32, hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=32,
    original_max_position_embeddings=8, rope_parameters=rope, initializer_range=0.3, pad_token_id=0, bos_token_id=1,
    eos_token_id=2)).eval()
tokens = torch.arange(3, 12)[None]
apart = {}
with torch.no_grad():
    for length in (8, 9):
        longer, shorter = (model(tokens[:, :count]).logits[:, :length - 1] for count in (length, length - 1))
        apart[length] = (longer - shorter).abs().max().item()
        print(f"{length} tokens and {length - 1}: largest difference of a logit of the first {length - 1}: {apart[length]:.1f}")
    cache = DynamicCache(config=model.config)
    model(tokens[:, :8], cache=cache, use_cache=True)
    assert cache.get_seq_length() == 8
    last = model(tokens[:, 8:], cache=cache, use_cache=True).logits[:, -1]
    stale = (last - model(tokens).logits[:, -1]).abs().max().item()
print(f"token 9 on a cache of 8 and in the whole prompt: {stale:.1f}")
assert apart[8] < 1e-4, "positions differ for another reason"
assert apart[9] > 0.05 and stale > 0.05, "the first positions stay as they were: it has changed"
PYTHON
