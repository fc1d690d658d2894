#!/usr/bin/env bash
# Hands a picture in, follows the job's events, and saves the PSD. curl 7.84 or later.
#
#   deploy/examples/job.sh PICTURE [FILE.psd] [name=value ...]
#   MICA_URL=https://mica.example.com MICA_KEY=... deploy/examples/job.sh photo.jpg photo.psd layers=4
set -euo pipefail

url=${MICA_URL:-http://127.0.0.1:8080}
url=${url%/}
picture=${1:?usage: job.sh PICTURE [FILE.psd] [name=value ...]}
file=${2:-layers.psd}
fields=(-F "image=@$picture")
for parameter in "${@:3}"; do
    fields+=(--form-string "$parameter")
done
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

# curl with the key, which comes through standard input, so that it is in no list of processes.
ask() {
    local key=()
    [[ -z ${MICA_KEY:-} ]] || key=(--header @-)
    curl --silent --show-error --fail-with-body "${key[@]}" "$@" <<<"Authorization: Bearer ${MICA_KEY:-}"
}

# The answer's body into "$answer"; a refusal (application/problem+json) is shown, and ends this.
get() {
    ask --output "$answer" "$@" || { cat "$answer" >&2; echo >&2; exit 1; }
}

# The answer is 202 with the job's address in Location.
job=$url$(get --write-out '%header{location}' "${fields[@]}" "$url/v1/jobs")
echo "$job"
ask --no-buffer "$job/events" |
    awk '/^event: / { event = $2 } /^data: / && event != "preview" { print event, substr($0, 7); fflush() }'
get "$job/layers.psd"
cp "$answer" "$file"
get --request DELETE "$job"
echo "$file"
