#!/usr/bin/env bash
# Runs the CUDA backend's tests on an emulated device, so that indices, arguments and lifetimes are checked without a GPU:
# emulate.sh [FILTER]. Build the tests first.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
out=$root/.build/cuda-emulator
"$root/tools/cuda/emulator/build.sh" "$out"
export MICA_CUDA_LIBRARIES=$out MICA_EMULATOR=$root/tools/cuda/emulator XDG_CACHE_HOME=$out/cache
cd "$root"
exec swift test --skip-build --filter "${1:-BackendTests}"
