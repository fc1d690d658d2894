#!/usr/bin/env bash
# What can be checked of the CUDA backend without a GPU: check.sh [--no-kernels]. Installs NVIDIA's wheels into .venv/cuda.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
environment=$root/.venv/cuda
if [[ ! $environment/ready -nt $here/requirements.txt ]]; then
    python3 -m venv "$environment"
    "$environment/bin/pip" install -q -r "$here/requirements.txt"
    touch "$environment/ready"
fi
nvidia=$(echo "$environment"/lib/python3*/site-packages/nvidia)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sources=$root/Sources/CCUDA

echo "declarations against NVIDIA's headers"
clang++ -std=c++17 -fsyntax-only -Wno-deprecated-declarations -Wno-nullability-completeness -I "$sources/include" \
    -I "$nvidia/cu13/include" -I "$nvidia/cudnn/include" "$here/declarations.cpp"

echo "attributes of products on the real cuBLASLt"
clang -O1 -w -I "$sources/include" "$here/product_descriptors.c" "$sources/CCUDA.c" -o "$work/products" -ldl
"$work/products" "$nvidia/cu13/lib/libcublasLt.so.13"

echo "plans for attention and convolutions by the real cuDNN"
# cuDNN's engines link against the driver; these answer "fine" and do nothing.
symbols="cuCtxGetCurrent cuCtxGetDevice cuCtxPopCurrent_v2 cuCtxPushCurrent_v2 $(nm -D --undefined-only \
    "$nvidia"/cudnn/lib/libcudnn_{engines_runtime_compiled,engines_precompiled,cnn}.so.9 | awk '$2 ~ /^cu[A-Z]/ {print $2}' | grep -v '@' |
    sort -u || true)"
for name in attention convolution; do
    clang -O1 -w -I "$sources/include" "$here/${name}_plan.c" "$sources/CCUDA.c" -o "$work/plan" -ldl
    for turn in 1 2 3; do
        printf '%s\n' $symbols | sort -u | sed 's/.*/int &() { return 0; }/' > "$work/stub.c"
        clang -w -shared -fPIC -Wl,-soname,libcuda.so.1 "$work/stub.c" -o "$work/libcuda.so.1"
        LD_LIBRARY_PATH="$work:$nvidia/cu13/lib:$nvidia/cudnn/lib" "$work/plan" "$nvidia/cudnn/lib/libcudnn.so.9" \
            > "$work/plan-$name.txt" 2>&1 && break
        symbols="$symbols $(grep -o 'load symbol cu[A-Za-z0-9_]*' "$work/plan-$name.txt" | awk '{print $3}' | sort -u)"
    done
    grep -v "Could not load" "$work/plan-$name.txt"
done
grep -q "transformer  *sm_90 .*has a plan" "$work/plan-attention.txt"
# Every convolution of the VAE on what most people have.
for architecture in 80 86 89 90 100 120; do
    grep -qE "^sm_$architecture +has plans for ([0-9]+) of \1 convolutions" "$work/plan-convolution.txt"
done

[[ ${1:-} == --no-kernels ]] && exit 0
echo "kernels by the real NVRTC"
mica=$root/.build/debug/mica
[[ -x $mica ]] || { echo "build mica first" >&2; exit 1; }
# Those that are compiled for devices, and the ones with the instructions of a single chip, should a kernel come to want them.
architectures=(sm_80 sm_86 sm_87 sm_89 sm_90 sm_90a sm_100 sm_100a sm_110 sm_120 sm_120a sm_121)
"$mica" devices --check-kernels --cuda-libraries "$nvidia/cu13/lib" "${architectures[@]/#/--architecture=}"
