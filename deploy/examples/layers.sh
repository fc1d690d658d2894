#!/usr/bin/env bash
# Sends a picture to a running service and unpacks its layers. curl 7.76 or later.
#
#   deploy/examples/layers.sh PICTURE [FOLDER] [name=value ...]
#   MICA_URL=https://mica.example.com MICA_KEY=... deploy/examples/layers.sh photo.jpg layers layers=4 seed=7
set -euo pipefail

url=${MICA_URL:-http://127.0.0.1:8080}
url=${url%/}
picture=${1:?usage: layers.sh PICTURE [FOLDER] [name=value ...]}
folder=${2:-layers}
fields=(-F "image=@$picture")
for parameter in "${@:3}"; do
    # --form-string: a value that begins with @ or < is no file.
    fields+=(--form-string "$parameter")
done
# The key comes through standard input, so that it is in no list of processes.
key=()
[[ -z ${MICA_KEY:-} ]] || key=(--header @-)

answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
if ! curl --silent --show-error --fail-with-body --output "$answer" "${key[@]}" "${fields[@]}" \
    "$url/v1/layers?format=zip" <<<"Authorization: Bearer ${MICA_KEY:-}"; then
    # The answer is application/problem+json; its detail says what to do.
    cat "$answer" >&2
    echo >&2
    exit 1
fi
mkdir -p "$folder"
unzip -q -o "$answer" -d "$folder"
ls "$folder"
