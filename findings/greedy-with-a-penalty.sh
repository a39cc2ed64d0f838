#!/usr/bin/env bash
# Whether greedy decoding (`generate` with `do_sample=False`) takes the token with the largest logit.
#
# Expected: it does, at each step: that is the meaning of greedy, and settings of sampling, such as temperature and top_p, are set aside.
# True:     `repetition_penalty` of the folder's generation_config.json is no setting of sampling: it lowers the logits of every token of the prompt
#           and of what was written before the largest is taken, and nothing is said. Instruction models are published with one (Qwen2.5: 1.05 to
#           1.1). A model asked to repeat a number from its prompt is kept from it, and accuracy by logits and by `generate` are two numbers.
# Seen with transformers 5.24.0, torch 2.15.0:
#   largest logits: [6, 57, 57], written: [6, 57, 46]
#   with repetition_penalty=1.0 in the call: [6, 57, 57]
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0 torch==2.15.0
"$work/venv/bin/python" - "$work/model" <<'PYTHON'
import json
import sys

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
LlamaForCausalLM(LlamaConfig(vocab_size=64, hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
                             num_key_value_heads=2, initializer_range=0.3, pad_token_id=0, bos_token_id=1,
                             eos_token_id=2)).save_pretrained(sys.argv[1])
with open(f"{sys.argv[1]}/generation_config.json", "w") as file:
    json.dump({"do_sample": True, "repetition_penalty": 1.3, "temperature": 0.7, "pad_token_id": 0, "eos_token_id": 2}, file)
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32).eval()
tokens = torch.arange(3, 11)[None]


def greedy(**settings):
    found = model.generate(tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=3, do_sample=False, output_logits=True,
                           return_dict_in_generate=True, **settings)
    return found.sequences[0, 8:].tolist(), [step.argmax().item() for step in found.logits]


written, largest = greedy()
plain, largest_of_plain = greedy(repetition_penalty=1.0)
print(f"largest logits: {largest}, written: {written}")
print(f"with repetition_penalty=1.0 in the call: {plain}")
assert plain == largest_of_plain
assert written != largest, "the largest are taken: it has changed"
PYTHON
