#!/usr/bin/env bash
# Whether a prompt has the same logits after another prompt was run, in a Llama with rotary scaling of type "dynamic".
#
# Expected: yes: a run without a cache depends on the weights and the prompt.
# True:     the frequencies are those of the longest prompt so far, and stay so for all that come after it, until one is shorter than the original
#           context. What a prompt of a data set gives depends on the order of the set; a clean run and its patched run are of two models if a
#           longer prompt was between them.
# Seen with transformers 5.24.0, torch 2.15.0 (12 tokens, of a model made for 8; largest difference of a logit from the first run):
#   again: 0.0
#   after a prompt of 30 tokens: 1.1
#   after one of 4: 0.0
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0 torch==2.15.0
"$work/venv/bin/python" - <<'PYTHON'
import torch
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
rope = {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 4.0}
model = LlamaForCausalLM(LlamaConfig(vocab_size=64, hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
                                     num_key_value_heads=2, initializer_range=0.3, max_position_embeddings=8, rope_parameters=rope,
                                     pad_token_id=0, bos_token_id=1, eos_token_id=2)).eval()
text = torch.arange(3, 33)[None]


def logits(length):
    with torch.no_grad():
        return model(text[:, :length], use_cache=False).logits


def apart(one, other):
    return (one - other).abs().max().item()


first = logits(12)
again = apart(first, logits(12))
logits(30)
longer = apart(first, logits(12))
logits(4)
shorter = apart(first, logits(12))
print(f"again: {again:.1f}\nafter a prompt of 30 tokens: {longer:.1f}\nafter one of 4: {shorter:.1f}")
assert again < 1e-5 and shorter < 1e-5
assert longer > 0.1, "it does not depend on what was run before: it has changed"
PYTHON
