#!/usr/bin/env bash
# A Llama 3.1 or 3.2 in a GGUF file, whose rotary scaling is the tensor `rope_freqs.weight` (so llama.cpp's converter writes it).
#
# Expected: transformers loads the model that was converted, or says that it leaves a tensor of the file out.
# True:     the tensor is skipped without a word: the configuration has rotations of type "default", and logits are those of a model without
#           the scaling, at short prompts too. With the model's own frequencies put into it, it is the converted model again.
# Seen with transformers 5.24.0, torch 2.15.0, gguf 0.19.0:
#   read from the file: {'rope_theta': 10000.0, 'rope_type': 'default'}
#   largest difference of a logit: 7.3; with the frequencies put in: 0.0
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0 torch==2.15.0 gguf==0.19.0 accelerate==1.15.0
"$work/venv/bin/python" - "$work" <<'PYTHON'
import sys

import gguf
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
scaling = {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
           "original_max_position_embeddings": 64}
model = LlamaForCausalLM(LlamaConfig(
    vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=4,
    max_position_embeddings=512, initializer_range=0.3, rope_parameters=scaling)).eval()
frequencies = model.model.rotary_emb.inv_freq

file = gguf.GGUFWriter(f"{sys.argv[1]}/model.gguf", "llama")
for add, value in ((file.add_vocab_size, 64), (file.add_context_length, 512), (file.add_block_count, 2), (file.add_head_count, 4),
                   (file.add_head_count_kv, 4), (file.add_embedding_length, 32), (file.add_feed_forward_length, 48),
                   (file.add_rope_dimension_count, 8), (file.add_rope_freq_base, 1e4), (file.add_layer_norm_rms_eps, 1e-6)):
    add(value)
file.add_tensor("rope_freqs.weight", (1 / 10000.0 ** (torch.arange(0, 8, 2) / 8) / frequencies).numpy())
names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 2)
for name, value in model.state_dict().items():
    if "q_proj" in name or "k_proj" in name:  # a GGUF file has the two halves of a rotated pair side by side
        value = value.unflatten(0, (4, 2, 4)).transpose(1, 2).flatten(0, 2).contiguous()
    module, kind = name.rsplit(".", 1)
    file.add_tensor(f"{names.get_name(module)}.{kind}", value.numpy())
file.write_header_to_file()
file.write_kv_data_to_file()
file.write_tensors_to_file()
file.close()

tokens = torch.arange(3, 23)[None]
with torch.no_grad():
    read = AutoModelForCausalLM.from_pretrained(sys.argv[1], gguf_file="model.gguf", dtype=torch.float32).eval()
    far = (read(tokens).logits - model(tokens).logits).abs().max().item()
    read.model.rotary_emb.inv_freq.copy_(frequencies)
    near = (read(tokens).logits - model(tokens).logits).abs().max().item()
print("read from the file:", read.config.rope_parameters)
print(f"largest difference of a logit: {far:.1f}; with the frequencies put in: {near:.1f}")
assert near < 1e-4, "the file is another model for another reason"
assert far > 0.1, "the scaling is followed: it has changed"
PYTHON
