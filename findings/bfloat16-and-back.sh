#!/usr/bin/env bash
# A file whose weights bfloat16 holds exactly, run in single precision by three ways.
#
# Expected: the weights are the same to the bit, so the logits are: loaded as float32; loaded as bfloat16, then `.float()`; loaded as float32, then
#           `.to(torch.bfloat16).float()`.
# True:     `.to()` rounds what is no weight as well, among it the frequencies of the rotations, which `from_pretrained` leaves in float32
#           for either dtype: the further a position, the further it is turned wrongly. So `dtype=torch.bfloat16` and `.to(torch.bfloat16)` are two
#           models for every rotary family. Gemma's factor of the embedding (the root of its width) is rounded by both, and stays so.
# Seen with transformers 5.24.0, torch 2.15.0 (largest difference of a logit from loaded as float32):
#   llama: same weights True, loaded as bfloat16 0.000, .to(bfloat16) 1.086
#   gemma3_text: same weights True, loaded as bfloat16 0.016, .to(bfloat16) 0.017
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0 torch==2.15.0
"$work/venv/bin/python" - "$work" <<'PYTHON'
import sys

import torch
from transformers import Gemma3ForCausalLM, Gemma3TextConfig, LlamaConfig, LlamaForCausalLM

tokens = (torch.arange(400) * 7 % 61)[None]
for kind, config in ((LlamaForCausalLM, LlamaConfig), (Gemma3ForCausalLM, Gemma3TextConfig)):
    folder = f"{sys.argv[1]}/{config.model_type}"
    torch.manual_seed(0)
    kind(config(vocab_size=64, hidden_size=40, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
                head_dim=16, initializer_range=0.3, pad_token_id=0, bos_token_id=1, eos_token_id=2)).bfloat16().save_pretrained(folder)
    single = kind.from_pretrained(folder, dtype=torch.float32).eval()
    loaded = kind.from_pretrained(folder, dtype=torch.bfloat16).eval().float()
    turned = kind.from_pretrained(folder, dtype=torch.float32).eval().to(torch.bfloat16).float()
    same = all(torch.equal(value, other.state_dict()[name]) for name, value in single.state_dict().items() for other in (loaded, turned))
    with torch.no_grad():
        by_load, by_to = ((other(tokens).logits - single(tokens).logits).abs().max().item() for other in (loaded, turned))
    print(f"{config.model_type}: same weights {same}, loaded as bfloat16 {by_load:.3f}, .to(bfloat16) {by_to:.3f}")
    assert same
    assert by_to > 1e-3, ".to leaves the frequencies as they are: it has changed"
    assert (by_load > 1e-3) == (config is Gemma3TextConfig), "the factor is not rounded: it has changed"
PYTHON
