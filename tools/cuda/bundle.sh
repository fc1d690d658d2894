#!/usr/bin/env bash
# Packs gpu-bundle.tar.xz: the command with Swift's runtime in it, the tests of the CUDA backend with their fixtures and the shared
# libraries of Swift that these need, kernels compiled beforehand, the system's libraries, and session.sh, for a machine with an NVIDIA
# GPU that has neither Swift nor the sources. Unpack and run ./session.sh. The built-in model, 37 MB that do not shrink, is left out;
# MODEL=FOLDER names one. bundle.sh FOLDER leaves the folder and packs nothing.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
nvrtc=$(echo .venv/cuda/lib/python3*/site-packages/nvidia/cuda_nvrtc/lib)
[[ -d $nvrtc ]] || { echo "run make gpu-check first: it installs NVRTC, which compiles the kernels" >&2; exit 1; }
swift build -c release --product mica --static-swift-stdlib
swift build --build-tests
out=${1:-$(mktemp -d)/gpu-bundle}
[[ $# == 0 ]] && trap 'rm -rf "$(dirname "$out")"' EXIT
mkdir -p "$out"/{bin,lib,spare,share/mica/kernels,tools}
install "$(swift build -c release --static-swift-stdlib --show-bin-path)/mica" "$out/bin/mica"

# Of all tests those that a GPU is for, with what they need.
debug=$(swift build --show-bin-path)
work=$(mktemp -d)
modules='BackendTests|CUDABackendTests|QwenImageTests|TensorCore|HostLimits|CPUBackend|CUDABackend|Weights|ImageCodecs|QwenImage|CKernels|CCUDA|CImages|COneDNN'
grep -E "/($modules)\.build/" "$debug/micaPackageTests.product/Objects.LinkFileList" > "$work/objects"
swiftc -parse-as-library -module-name Runner -c tools/cuda/runner.swift -o "$work/runner.o"
# shellcheck disable=SC2046 # several options in one string
swiftc "$work/runner.o" "@$work/objects" -o "$out/bin/tests" $(pkg-config --libs openblas) -lTesting -ldnnl -lgomp -lpng -ljpeg -lwebp \
    -lwebpdemux -llcms2 -ldeflate -lz -Xlinker --gc-sections
rm -r "$work"
cp -r "$debug/mica_QwenImageTests.resources" "$out/bin/"
strip "$out/bin/mica" "$out/bin/tests"

cp docs/poster.png "$out/share/mica/"
cp tools/cuda/session.sh "$out/"
cp tools/cuda/reference_block.py "$out/tools/"
git rev-parse HEAD > "$out/commit"

# The C library and its companions are the machine's own, which must be as new as this one's; what most machines have is to spare.
ldd "$out/bin/mica" "$out/bin/tests" | awk '$3 ~ /^\// {print $3}' | sort -u | while read -r library; do
    case $(basename "$library") in
    libc.so.* | libm.so.* | libstdc++.so.* | libgcc_s.so.* | libXCTest.so) ;;
    libgomp.so.* | libquadmath.so.* | libgfortran.so.* | libssl.so.* | libcrypto.so.* | libsqlite3.so.* | libz.so.*)
        cp -L "$library" "$out/spare/" ;;
    *) cp -L "$library" "$out/lib/" ;;
    esac
done
chmod u+w "$out"/{lib,spare}/*
strip "$out"/{lib,spare}/*.so* 2> /dev/null || true

"$out/bin/mica" devices --check-kernels --cuda-libraries "$nvrtc" --compiled-kernels "$out/share/mica/kernels" > "$out/kernels.txt"

if [[ $# == 0 ]]; then
    # Unicode's tables are in the command and in a library of the tests: a dictionary that reaches from one to the other.
    filters=()
    [[ $(uname -m) != x86_64 ]] || filters=(--x86)
    tar -C "$(dirname "$out")" -cf - gpu-bundle | xz -T1 "${filters[@]}" --lzma2=preset=6,dict=192MiB > gpu-bundle.tar.xz
    echo "gpu-bundle.tar.xz: $(du -h gpu-bundle.tar.xz | cut -f1), unpacked $(du -sh "$out" | cut -f1)"
fi
