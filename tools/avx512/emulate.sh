#!/usr/bin/env bash
# Runs the engine's tests with the instructions of AVX-512 done in C (tools/avx512/emulated.h), on a CPU that has AVX2:
# tools/avx512/emulate.sh [FILTER]. What the compiler vectorises for AVX-512 by itself and what oneDNN has is not in it.
set -euo pipefail
cd "$(dirname "$0")/../.."
options=(
    --scratch-path .build/avx512
    -Xcc -mavx2 -Xcc -mfma -Xcc -Wno-psabi -Xcc "-DMICA_AVX512_EMULATED=\"$PWD/tools/avx512/emulated.h\""
)
swift build --build-tests "${options[@]}"
# oneDNN sees the real CPU, on which its products of 8 bits are cut off.
MICA_TEST_AVX512_EMULATED=1 swift test --skip-build "${options[@]}" --filter "${1:-BackendTests|CPUBackendTests|QwenImageTests}"
