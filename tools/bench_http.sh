#!/usr/bin/env bash
# Compares keep-alive GETs of /healthz: mica, nginx with one worker, and Hummingbird's hello, in turns in one run.
#
#   tools/bench_http.sh [-s SECONDS] [-r ROUNDS] [-m MILLIONS]
#
# MILLIONS of requests go to mica alone afterwards, while its memory is looked at. Needs wrk, and nginx and a network (or
# mirrored packages) for the others; HUMMINGBIRD=path names a hello that is built already, HUMMINGBIRD=none and NGINX=none
# leave the others out. MICA=path names the command to measure, .build/release/mica if not given.
set -euo pipefail

seconds=5 rounds=5 millions=0
while getopts s:r:m: option; do
    case $option in
    s) seconds=$OPTARG ;;
    r) rounds=$OPTARG ;;
    m) millions=$OPTARG ;;
    *) exit 2 ;;
    esac
done
mica=${MICA:-.build/release/mica}
command -v wrk >/dev/null || { echo "bench_http: install wrk" >&2; exit 1; }
[[ -x $mica ]] || { echo "bench_http: no $mica; run make build" >&2; exit 1; }

folder=$(mktemp -d)
pids=()
finish() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT

declare -A url process
order=()
# add NAME PORT PID: waits until it answers.
add() {
    local address=http://127.0.0.1:$2/healthz
    for _ in $(seq 100); do curl -sf "$address" >/dev/null && break || sleep 0.1; done
    curl -sf "$address" >/dev/null || { echo "bench_http: $1 does not answer" >&2; cat "$folder"/*.log >&2; exit 1; }
    order+=("$1") url[$1]=$address process[$1]=$3
}

"$mica" serve --port 18091 --log-level error >"$folder/mica.log" 2>&1 &
pids+=($!)
add mica 18091 $!

if [[ ${NGINX:-} != none ]]; then
    cat >"$folder/nginx.conf" <<CONF
worker_processes 1;
daemon off;
pid $folder/nginx.pid;
error_log $folder/nginx.log;
events { worker_connections 4096; }
http {
    access_log off;
    keepalive_requests 100000000;
    client_body_temp_path $folder/body; proxy_temp_path $folder/proxy; fastcgi_temp_path $folder/fastcgi;
    uwsgi_temp_path $folder/uwsgi; scgi_temp_path $folder/scgi;
    server { listen 127.0.0.1:18092; location = /healthz { return 200 '{"status":"ok"}'; } }
}
CONF
    "${NGINX:-nginx}" -c "$folder/nginx.conf" 2>"$folder/nginx.start.log" &
    pids+=($!)
    for _ in $(seq 50); do worker=$(pgrep -P $! || true); [[ -n $worker ]] && break || sleep 0.1; done
    add nginx 18092 "$worker"
fi

if [[ ${HUMMINGBIRD:-} != none ]]; then
    hello=${HUMMINGBIRD:-}
    if [[ -z $hello ]]; then
        mkdir -p "$folder/hello/Sources/hello"
        cat >"$folder/hello/Package.swift" <<'SWIFT'
// swift-tools-version: 6.2
import PackageDescription
let package = Package(
    name: "hello",
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.0.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    ],
    targets: [
        .executableTarget(
            name: "hello",
            dependencies: [
                .product(name: "Hummingbird", package: "hummingbird"), .product(name: "Logging", package: "swift-log"),
            ])
    ])
SWIFT
        cat >"$folder/hello/Sources/hello/main.swift" <<'SWIFT'
import Hummingbird
import Logging

var logger = Logger(label: "hello")
logger.logLevel = .error
let router = Router()
router.get("/healthz") { _, _ in "ok" }
let port = Int(CommandLine.arguments.dropFirst().first ?? "") ?? 18093
let app = Application(
    router: router, configuration: .init(address: .hostname("127.0.0.1", port: port)), logger: logger)
try await app.runService()
SWIFT
        swift build -c release --package-path "$folder/hello" >"$folder/hello.log" 2>&1
        hello=$folder/hello/.build/release/hello
    fi
    "$hello" 18093 >"$folder/hummingbird.log" 2>&1 &
    pids+=($!)
    add hummingbird 18093 $!
fi

# User and system time of a process in clock ticks of 10 ms, and its resident memory in KiB.
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
resident() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }
descriptors() { ls "/proc/$1/fd" | wc -l; }

for name in "${order[@]}"; do wrk -t1 -c64 -d1 "${url[$name]}" >/dev/null; done
for _ in $(seq "$rounds"); do
    for name in "${order[@]}"; do
        before=$(ticks "${process[$name]}")
        wrk -t1 -c64 -d"$seconds" "${url[$name]}" >"$folder/wrk.txt"
        spent=$(($(ticks "${process[$name]}") - before))
        if grep -E 'Socket errors|Non-2xx' "$folder/wrk.txt"; then echo "bench_http: $name made errors" >&2; fi
        awk -v name="$name" -v spent="$spent" '
            /requests in/ { count = $1 }
            /Requests\/sec/ { printf "%s %d %.2f\n", name, $2, spent * 10000 / count }
        ' "$folder/wrk.txt" >>"$folder/results.txt"
    done
done
# median COLUMN NAME
median() { awk -v name="$2" -v column="$1" '$1 == name { print $column }' "$folder/results.txt" | sort -g |
    awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'; }
echo "medians of $rounds rounds of $seconds s, wrk -t1 -c64, $(nproc) cores"
for name in "${order[@]}"; do
    awk -v name="$name" -v rate="$(median 2 "$name")" -v cost="$(median 3 "$name")" -v mica="$(median 2 mica)" \
        -v own="$(median 3 mica)" 'BEGIN {
        printf "%-12s %8d requests/s %7.2f us of its processor time a request", name, rate, cost
        if (name != "mica") printf "   mica: %.2f times the requests/s, %.2f times a processor second", mica / rate, cost / own
        print ""
    }'
done

if [[ $millions -gt 0 ]]; then
    count=0
    echo "mica at first: $(resident "${process[mica]}") KiB, $(descriptors "${process[mica]}") descriptors"
    while [[ $count -lt $((millions * 1000000)) ]]; do
        wrk -t1 -c64 -d10 "${url[mica]}" >"$folder/wrk.txt"
        count=$((count + $(awk '/requests in/ { print $1 }' "$folder/wrk.txt")))
        echo "after $count requests: $(resident "${process[mica]}") KiB, $(descriptors "${process[mica]}") descriptors"
    done
fi
