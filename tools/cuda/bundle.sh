#!/usr/bin/env bash
# Packs gpu-bundle.tar.xz: the command, the tests with their fixtures, kernels compiled beforehand, the shared libraries of Swift and of
# the system, and session.sh, for a machine with an NVIDIA GPU that has neither Swift nor the sources. Unpack and run ./session.sh.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
build=${BUILD:-release}
swift build -c "$build" --product mica
swift build --build-tests
out=$(mktemp -d)/gpu-bundle
trap 'rm -rf "$(dirname "$out")"' EXIT
mkdir -p "$out"/{bin,lib,share/mica/kernels,tools}
install "$(swift build -c "$build" --show-bin-path)/mica" "$out/bin/mica"
debug=$(swift build --show-bin-path)
install "$debug/micaPackageTests.xctest" "$out/bin/tests"
strip "$out/bin/mica" "$out/bin/tests"
cp -r "$debug"/mica_QwenImageTests.resources "$out/bin/"
cp -r Models "$out/share/mica/models"
cp docs/poster.png "$out/share/mica/"
cp tools/cuda/session.sh "$out/"
cp tools/cuda/reference_block.py "$out/tools/"
git rev-parse HEAD > "$out/commit"

# All but the C library, which a machine has; that of this one goes along for those that have an older.
ldd "$out/bin/mica" "$out/bin/tests" | awk '$3 ~ /^\// {print $3}' | sort -u | while read -r library; do
    case $(basename "$library") in
    libc.so.* | libm.so.* | ld-linux* | libdl.so.* | libpthread.so.* | librt.so.* | libresolv.so.*)
        mkdir -p "$out/lib/c"; cp -L "$library" "$out/lib/c/" ;;
    *) cp -L "$library" "$out/lib/" ;;
    esac
done
cp -L /lib64/ld-linux-x86-64.so.2 "$out/lib/c/"
strip "$out"/lib/*.so* 2>/dev/null || true

nvrtc=$(echo .venv/cuda/lib/python3*/site-packages/nvidia/cuda_nvrtc/lib)
[[ -d $nvrtc ]] || { echo "run make gpu-check first: it installs NVRTC, which compiles the kernels" >&2; exit 1; }
LD_LIBRARY_PATH="$out/lib" "$out/bin/mica" devices --check-kernels --cuda-libraries "$nvrtc" \
    --compiled-kernels "$out/share/mica/kernels" > "$out/kernels.txt"

tar -C "$(dirname "$out")" -cf - gpu-bundle | xz -T0 -6 > gpu-bundle.tar.xz
echo "gpu-bundle.tar.xz: $(du -h gpu-bundle.tar.xz | cut -f1), unpacked $(du -sh "$out" | cut -f1)"
