#!/usr/bin/env bash
# The GPU path without a GPU: builds the feature `wgpu` and runs parity, the laws of interventions, what is refused, and one experiment from end
# to end on Mesa's software Vulkan, against the CPU. Needs the driver (Debian: mesa-vulkan-drivers, libvulkan1), which root on Debian gets here.
# Where it cannot be had, it says so and is done. Arguments go to cargo.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/ablate/target}"

# The driver's own file: with it Vulkan finds no card that this machine may have.
driver() { compgen -G '/usr/share/vulkan/icd.d/lvp_icd*.json' | head -n 1; }

packages=(mesa-vulkan-drivers libvulkan1)
if [ -z "$(driver)" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  install() { DEBIAN_FRONTEND=noninteractive timeout 300 apt-get install -y --no-install-recommends "${packages[@]}" >/dev/null 2>&1; }
  install || { timeout 120 apt-get update -q >/dev/null 2>&1 && install; } || true
fi
if [ -z "$(driver)" ]; then
  echo "skipped: no software Vulkan here; install ${packages[*]}, or what your system calls them, to try the GPU path"
  exit 0
fi
VK_DRIVER_FILES="$(driver)"
export VK_DRIVER_FILES

# This crate with fewer optimisations, as for edits: the time goes into Mesa's compiler.
quick=(--release --features wgpu --config profile.release.package.ablate.opt-level=1 --config profile.release.package.ablate.codegen-units=256)
cargo test "${quick[@]}" "$@" --no-run
time scripts/gpu-tests.sh gpu:0 cargo test "${quick[@]}" "$@" --quiet --

# The same experiment on both, each number within 1e-3. The specs differ, in their devices, so that `diff` fails whatever the numbers are.
ablate="$CARGO_TARGET_DIR/release/ablate"
results="$(mktemp -d)"
trap 'rm -rf "$results"' EXIT
for device in cpu gpu:0; do
  ABLATE_CACHE=off "$ablate" run experiments/interventions.toml --quiet --set "model.device=$device" --set prompts.sample=10 \
    --set "output.dir=$results/$device"
done
said="$("$ablate" diff "$results/cpu" "$results/gpu:0" --rtol 1e-3 --atol 1e-4 2>&1 || true)"
grep -qx 'within tolerance' <<<"$said" || { echo "$said"; exit 1; }
echo "experiments/interventions.toml: the same numbers on the CPU and on gpu:0, within 1e-3"
