#!/usr/bin/env bash
# Whether this machine's GPU computes what its processor does, and how fast: laws, parity, and the effect map of Llama3-8B's shape, beside PyTorch
# by hand on the same card. At most ten minutes after the build; one JSON object at the end, to be kept.
#
#     scripts/gpu-check.sh                                     # cuda:0, Llama3-8B's shape, 50 prompts, f32 and bf16
#     scripts/gpu-check.sh --device gpu:0 --dtypes f32         # any maker's card, through Vulkan, Metal or DirectX 12
#     scripts/gpu-check.sh --device gpu:0 --config benches/tiny_llama.json --prompts 4 --dtypes f32   # on software Vulkan, to try the script
#
# Further arguments: `python3 benches/gpu_check.py --help`. PyTorch is asked for in the python named by --python (python3); where it is not
# there, or sees no card, its part is left out.
set -euo pipefail
cd "$(dirname "$0")/.."
exec python3 benches/gpu_check.py "$@"
