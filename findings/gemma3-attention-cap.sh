#!/usr/bin/env bash
# Whether `attn_logit_softcapping` caps the scores of Gemma 3 as it does those of Gemma 2.
#
# Expected: it does: the configuration documents it ("Scaling factor when applying tanh softcapping on the attention scores"), and
#           the attention function has the argument.
# True:     it is stored and never handed over: logits are the same to the last bit, in eager attention. (TransformerLens 4.3 does
#           apply it to such a model, and differs.) No published Gemma 3 sets it.
# Seen with transformers 5.24.0, torch 2.15.0:
#   largest difference of a logit, Gemma 3: 0.0, Gemma 2: 13.7
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0 torch==2.15.0
"$work/venv/bin/python" - <<'PYTHON'
import torch
from transformers import Gemma2Config, Gemma2ForCausalLM, Gemma3ForCausalLM, Gemma3TextConfig


def logits(config, kind, cap):
    config = config(vocab_size=32, hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2,
                    num_key_value_heads=2, head_dim=8, query_pre_attn_scalar=1, attn_logit_softcapping=cap)
    model = kind._from_config(config, attn_implementation="eager").eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
        return model(torch.arange(3, 12)[None]).logits


def apart(*family):
    return (logits(*family, None) - logits(*family, 0.5)).abs().max().item()


third, second = apart(Gemma3TextConfig, Gemma3ForCausalLM), apart(Gemma2Config, Gemma2ForCausalLM)
print(f"largest difference of a logit, Gemma 3: {third:.1f}, Gemma 2: {second:.1f}")
assert second > 0.1, "Gemma 2's scores are not capped"
assert third == 0.0, "Gemma 3's scores are capped: it has changed"
PYTHON
