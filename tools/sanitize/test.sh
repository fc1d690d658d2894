#!/usr/bin/env bash
# Runs every test with a sanitizer: tools/sanitize/test.sh thread|address. Any finding fails it.
set -euo pipefail
cd "$(dirname "$0")/../.."
sanitizer=${1:?usage: test.sh thread|address}
build=.build/$sanitizer
swift build --build-tests --sanitize="$sanitizer" --scratch-path "$build"
# Findings are kept beside the build, since tests start processes of their own whose output nobody reads.
reports=$build/reports
rm -rf "$reports"
mkdir -p "$reports"
log_path=$PWD/$reports/$sanitizer
status=0
# Processes that the tests start compute ten times more slowly.
export MICA_TEST_PATIENCE=10
case $sanitizer in
thread)
    clang=$(dirname "$(readlink -f "$(command -v swift)")")/clang
    "$clang" -O1 -g -shared -fPIC -o "$build/mutex_annotations.so" tools/sanitize/mutex_annotations.c -ldl
    TSAN_OPTIONS=log_path=$log_path LD_PRELOAD=$PWD/$build/mutex_annotations.so \
        swift test --skip-build --sanitize=thread --scratch-path "$build" || status=$?
    ;;
address)
    # Swift's runtime keeps type metadata for good, which is not a leak.
    ASAN_OPTIONS=detect_leaks=0:log_path=$log_path \
        swift test --skip-build --sanitize=address --scratch-path "$build" || status=$?
    ;;
esac
if compgen -G "$reports/*" >/dev/null; then
    head -n 60 "$reports"/*
    echo "test.sh: the $sanitizer sanitizer has found something: see $reports" >&2
    exit 1
fi
exit "$status"
