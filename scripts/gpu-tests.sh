#!/usr/bin/env bash
# The tests of what a device computes: parity with transformers and TransformerLens, the laws of interventions, layers that are read while the
# model runs, what is refused. First the device, then the command that runs tests:
#
#     scripts/gpu-tests.sh gpu:0 cargo test --release --features wgpu --
set -euo pipefail
device="$1"
shift
tests=(parity:: intervene::laws intervene::sharing intervene::streamed intervene::transformerlens cli::gpu)
# Those of them that want weights which a machine may not have.
flags=(--skip pretrained --skip smollm2 --skip gemma3)
if [ "$device" != cpu ]; then
  # What only a GPU can pass is ignored elsewhere. A few cases of each law: small models are slow on a GPU.
  flags+=(--include-ignored)
  export ABLATE_TEST_DEVICE="$device" PROPTEST_CASES="${PROPTEST_CASES:-8}"
fi
exec "$@" "${flags[@]}" "${tests[@]}"
