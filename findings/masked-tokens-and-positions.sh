#!/usr/bin/env bash
# Which position a token has after tokens that `attention_mask` hides: padding on the left, or a token in the middle that is to be knocked out.
#
# Expected: one rule: a call of the model and `generate` with the same tokens and mask have the same logits for the next token.
# True:     a call counts all tokens, hidden ones too; `generate` counts those that are seen, and moves the rest up. So GPT-2 with padding on the left
#           is another model in a call (not in `generate`); and a token hidden in the middle is a gap in a call, and closed in `generate`, for
#           rotary models as well: its effect is that of not seeing it in one, and of a text that never had it in the other.
# Seen with transformers 5.24.0, torch 2.15.0 (largest difference of a next-token logit):
#   gpt2, padded on the left, from unpadded: call 4.5, generate 0.0
#   llama, a token hidden: generate from call 0.9, generate from a text without the token 0.0
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0 torch==2.15.0
"$work/venv/bin/python" - <<'PYTHON'
import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
ends = dict(pad_token_id=0, bos_token_id=1, eos_token_id=2)
gpt2 = GPT2LMHeadModel(GPT2Config(vocab_size=64, n_embd=32, n_layer=2, n_head=2, n_positions=32, initializer_range=0.3, **ends)).eval()
llama = LlamaForCausalLM(LlamaConfig(vocab_size=64, hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
                                     num_key_value_heads=2, initializer_range=0.3, **ends)).eval()
tokens = torch.arange(3, 11)[None]


def called(model, tokens, mask):
    with torch.no_grad():
        return model(tokens, attention_mask=mask).logits[:, -1]


def generated(model, tokens, mask):
    settings = dict(max_new_tokens=1, do_sample=False, output_logits=True, return_dict_in_generate=True)
    return model.generate(tokens, attention_mask=mask, **settings).logits[0]


def apart(one, other):
    return (one - other).abs().max().item()


padded = torch.cat([torch.zeros(1, 3, dtype=torch.long), tokens], dim=1)
seen = (torch.arange(11) >= 3).long()[None]
alone = called(gpt2, tokens, torch.ones_like(tokens))
call, generate = apart(called(gpt2, padded, seen), alone), apart(generated(gpt2, padded, seen), alone)
print(f"gpt2, padded on the left, from unpadded: call {call:.1f}, generate {generate:.1f}")
assert generate < 1e-4
assert call > 0.1, "a call counts what is seen: it has changed"

hidden = torch.ones_like(tokens)
hidden[0, 2] = 0
without = torch.cat([tokens[:, :2], tokens[:, 3:]], dim=1)
absent = called(llama, without, torch.ones_like(without))
both, closed = apart(generated(llama, tokens, hidden), called(llama, tokens, hidden)), apart(generated(llama, tokens, hidden), absent)
print(f"llama, a token hidden: generate from call {both:.1f}, generate from a text without the token {closed:.1f}")
assert both > 0.1, "they agree: it has changed"
assert closed < 1e-4
PYTHON
