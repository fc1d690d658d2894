#!/usr/bin/env bash
# Two services and HAProxy on this machine, with deploy/haproxy/haproxy.cfg; ends all of them with itself.
#
#   deploy/examples/balanced.sh [PORT [FOLDER]]     then http://127.0.0.1:PORT; FOLDER keeps jobs and logs
#   MICA=/usr/bin/mica deploy/examples/balanced.sh 8080
set -euo pipefail
cd "$(dirname "$0")/../.."

port=${1:-8080}
folder=${2:-$(mktemp -d)}
mica=${MICA:-.build/release/mica}
[[ -x $mica ]] || { echo "balanced.sh: no $mica; 'make build' makes it" >&2; exit 1; }
configuration=$(<deploy/haproxy/haproxy.cfg)
configuration=${configuration/bind :80$'\n'/bind 127.0.0.1:$port$'\n'}

processes=()
stop() {
    # The proxy last, so that running requests get their answers.
    kill -TERM "${processes[@]:0:2}" 2>/dev/null || true
    wait "${processes[@]:0:2}" || true
    kill -TERM "${processes[2]:-}" 2>/dev/null || true
}
trap stop EXIT
trap 'exit 0' INT TERM

for instance in 1 2; do
    mkdir -p "$folder/mica-$instance"
    MICA_PORT=$((port + instance)) MICA_STATE_FOLDER=$folder/mica-$instance "$mica" serve \
        >"$folder/mica-$instance.txt" 2>&1 &
    processes+=($!)
    configuration=${configuration//10.0.0.1$instance:8080/127.0.0.1:$((port + instance))}
done
printf '%s\n' "$configuration" >"$folder/haproxy.cfg"
haproxy -db -f "$folder/haproxy.cfg" >"$folder/haproxy.txt" 2>&1 &
processes+=($!)
echo "http://127.0.0.1:$port (logs in $folder)"
wait -n
echo "balanced.sh: a process has ended; see $folder" >&2
exit 1
