#!/usr/bin/env bash
# The GPU path without a GPU: builds the feature `wgpu` and runs parity, the laws of interventions and one experiment from end to end on Mesa's
# software Vulkan, against the CPU. Needs the driver (Debian: mesa-vulkan-drivers, libvulkan1), which root on Debian gets here.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/ablate/target}"

if ! ls /usr/share/vulkan/icd.d/lvp_icd*.json >/dev/null 2>&1; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get install -y --no-install-recommends mesa-vulkan-drivers libvulkan1 >/dev/null || { apt-get update -q >/dev/null && apt-get install -y --no-install-recommends mesa-vulkan-drivers libvulkan1 >/dev/null; }
  else
    echo "no software Vulkan: install mesa-vulkan-drivers and libvulkan1, or what your system calls them" >&2
    exit 1
  fi
fi

ABLATE_TEST_DEVICE=gpu:0 cargo test --release --features wgpu -- --include-ignored --skip pretrained --skip smollm2 --skip gemma3 \
  parity:: intervene::laws intervene::sharing intervene::transformerlens

# The same experiment on both, each number within 1e-3.
cargo build --release --features wgpu
ablate="$CARGO_TARGET_DIR/release/ablate"
results="$(mktemp -d)"
trap 'rm -rf "$results"' EXIT
for device in cpu gpu:0; do
  ABLATE_CACHE=off "$ablate" run experiments/interventions.toml --quiet --set "model.device=$device" --set "output.dir=$results/$device"
done
"$ablate" diff "$results/cpu" "$results/gpu:0" --rtol 1e-3 --atol 1e-5
