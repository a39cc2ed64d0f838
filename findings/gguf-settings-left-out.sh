#!/usr/bin/env bash
# Settings in the metadata of a GGUF file that differ from the defaults of the model's class in transformers.
#
# Expected: what the format names and the model needs is read, or the file is refused.
# True:     transformers reads a short list of keys for each architecture and passes over the rest; the class's default stands in their
#           place. Rotary scaling (`rope.scaling.*`) is on no list but gpt-oss's, so a Gemma 3 of 4B and up, scaled by 8, loads unscaled; nor are
#           the caps of Gemma 2 and 3, the window of Phi-3, and the head width of Qwen3 (tensors of another width than 128 are then refused).
# Seen with transformers 5.24.0, torch 2.15.0, gguf 0.19.0:
#   gemma2 attn_logit_softcapping: 5.0 in the file, read as 50.0
#   gemma2 final_logit_softcapping: 3.0 in the file, read as 30.0
#   gemma3 final_logit_softcapping: 3.0 in the file, read as None
#   gemma3 rope_scaling_factor: 8.0 in the file, read as None
#   qwen3 rope_scaling_factor: 4.0 in the file, read as None
#   qwen3 key_length: 64 in the file, read as 128
#   phi3 sliding_window: 16 in the file, read as None
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0 torch==2.15.0 gguf==0.19.0
"$work/venv/bin/python" - "$work" <<'PYTHON'
import sys

import gguf
from transformers import AutoConfig


def read(architecture, **settings):
    """The configuration of a file with these settings and no tensors."""
    file = gguf.GGUFWriter(f"{sys.argv[1]}/{architecture}.gguf", architecture)
    sizes = dict(vocab_size=64, context_length=512, block_count=2, embedding_length=256, feed_forward_length=64, head_count=4,
                 head_count_kv=4, layer_norm_rms_eps=1e-6, rope_freq_base=500.0)
    for name, value in (sizes | settings).items():
        getattr(file, f"add_{name}")(value)
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()
    return AutoConfig.from_pretrained(sys.argv[1], gguf_file=f"{architecture}.gguf")


linear, yarn = gguf.RopeScalingType.LINEAR, gguf.RopeScalingType.YARN
files = {
    "gemma2": dict(attn_logit_softcapping=5.0, final_logit_softcapping=3.0),
    "gemma3": dict(rope_scaling_factor=8.0, rope_scaling_type=linear, final_logit_softcapping=3.0),
    "qwen3": dict(rope_scaling_factor=4.0, rope_scaling_type=yarn, rope_scaling_orig_ctx_len=128, key_length=64, value_length=64),
    "phi3": dict(sliding_window=16),
}
for architecture, settings in files.items():
    config = read(architecture, **settings)
    rope = config.rope_parameters.get("full_attention", config.rope_parameters)
    assert rope["rope_theta"] == 500.0, "the base, which is on the list, is not read either"
    found = {"rope_scaling_factor": rope.get("factor"), "key_length": getattr(config, "head_dim", None)}
    for name in ("attn_logit_softcapping", "final_logit_softcapping", "rope_scaling_factor", "key_length", "sliding_window"):
        if name in settings:
            value = found[name] if name in found else getattr(config, name)
            print(f"{architecture} {name}: {settings[name]} in the file, read as {value}")
            assert value != settings[name], "it is read: it has changed"
PYTHON
