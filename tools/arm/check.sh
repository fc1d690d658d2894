#!/usr/bin/env bash
# What can be checked for 64-bit ARM on an x86-64 Debian or Ubuntu: every C file compiles for it with Swift's clang, and kernels give there,
# in an emulator, what they give here. Wants gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user. Swift is not compiled for it.
set -euo pipefail
cd "$(dirname "$0")/../.."
headers=/usr/aarch64-linux-gnu
for needed in aarch64-linux-gnu-gcc qemu-aarch64; do
    command -v $needed > /dev/null || { echo "arm-check: no $needed: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user" >&2; exit 1; }
done
clang=$(dirname "$(readlink -f "$(command -v swift)")")/clang
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The C library's headers are ARM's, those of other libraries the ones of this machine, which say the same.
options=(-O3 -std=gnu11 -Wall -Werror)
arm=(--target=aarch64-linux-gnu -isystem $headers/include -idirafter /usr/include -idirafter "/usr/include/$(uname -m)-linux-gnu")
kernels=()
for source in Sources/C*/*.c Tests/CTLSClient/*.c; do
    module=$(dirname "$source")
    object=$work/$(basename "$module")-$(basename "$source" .c).o
    "$clang" "${arm[@]}" "${options[@]}" -I "$module/include" -c "$source" -o "$object"
    [[ $module != */CKernels && $module != */CLayerFitting ]] || kernels+=("$object")
done
for header in Sources/*/shim.h; do "$clang" "${arm[@]}" "${options[@]}" -x c -include "$header" -fsyntax-only /dev/null; done
echo "all C compiles for aarch64"

includes=(-I Sources/CKernels/include -I Sources/CLayerFitting/include)
"$clang" "${arm[@]}" "${options[@]}" "${includes[@]}" -c tools/arm/kernels.c -o "$work/kernels.o"
aarch64-linux-gnu-gcc "$work/kernels.o" "${kernels[@]}" -lm -o "$work/arm"
"$clang" "${options[@]}" "${includes[@]}" tools/arm/kernels.c Sources/CKernels/*.c Sources/CLayerFitting/*.c -lm -o "$work/here"
qemu-aarch64 -L $headers "$work/arm" > "$work/arm.txt"
"$work/here" > "$work/here.txt"
# Sums are taken in another order there, so that they are some roundings apart; what is rounded to integers is the same.
paste -d ' ' "$work/here.txt" "$work/arm.txt" | awk '
    $1 != $3 { print "not the same values"; exit failed = 1 }
    { here[$1] += ($2 == "nan" || $2 == "-nan") ? 0 : $2 * $2; count[$1]++ }
    ($2 ~ /nan/) != ($4 ~ /nan/) { error[$1] = 1e30 }
    $2 !~ /nan/ { error[$1] += ($2 - $4) * ($2 - $4) }
    END {
        for (name in here) {
            values++
            relative = here[name] > 0 ? sqrt(error[name] / here[name]) : sqrt(error[name])
            if (relative > worst) { worst = relative; which = name }
            if (relative > 1e-6) { print name ": differs by " relative; failed = 1 }
        }
        if (values < 40) { print "no values"; failed = 1 }
        if (!failed) print values " kernels agree, within " worst " relative L2 (" which ")"
        exit failed
    }'
