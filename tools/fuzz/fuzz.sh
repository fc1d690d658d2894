#!/usr/bin/env bash
# Builds a fuzzer and runs it from the seeds: tools/fuzz/fuzz.sh TARGET SECONDS. TARGET is a name in Package.swift.
# The corpus is kept in .build/fuzz-corpus/TARGET; an input that fails is written beside it, and named in the output.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${1:?usage: fuzz.sh TARGET SECONDS}
seconds=${2:?usage: fuzz.sh TARGET SECONDS}
build=.build/fuzz
corpus=.build/fuzz-corpus/$target
# lld: gold of Debian 12 gives up on the debug information.
swift build --package-path tools/fuzz --scratch-path "$build" -c release --product "$target" \
    -Xswiftc -sanitize=fuzzer,address -Xswiftc -enable-testing -Xswiftc -use-ld=lld \
    -Xcc -fsanitize=fuzzer-no-link,address
python3 tools/fuzz/make_seeds.py "$target" "$corpus"
dictionary=()
[[ -f tools/fuzz/$target.dict ]] && dictionary=("-dict=tools/fuzz/$target.dict")
mkdir -p .build/fuzz-failures
# A single try over 10 s or 1 GiB is a failure too. Leaks are looked for at the end and not after each try that leaves
# something behind: threads of Dispatch do, and the search takes three quarters of the time.
"$build/release/$target" -detect_leaks=0 -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=20000 -print_final_stats=1 \
    -artifact_prefix=".build/fuzz-failures/$target-" "${dictionary[@]}" "$corpus"
