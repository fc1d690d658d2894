#!/usr/bin/env bash
# Builds the emulated CUDA libraries into a folder: build.sh FOLDER. Needs clang++, as Swift's toolchain has it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: build.sh FOLDER}
mkdir -p "$out"
flags=(-std=c++17 -O2 -shared -fPIC -Wall -I "$here" -I "$here/../../../Sources/CCUDA/include")
clang++ "${flags[@]}" "$here/driver.cpp" -Wl,-soname,libcuda.so.1 -o "$out/libcuda.so.1" -ldl
ln -sf libcuda.so.1 "$out/libnvidia-ml.so.1"
clang++ "${flags[@]}" "$here/nvrtc.cpp" -o "$out/libnvrtc.so.13"
clang++ "${flags[@]}" "$here/cublaslt.cpp" -o "$out/libcublasLt.so.13" -ldl
clang++ "${flags[@]}" "$here/cudnn.cpp" -o "$out/libcudnn.so.9" -ldl
