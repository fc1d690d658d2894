#!/usr/bin/env bash
# Sends a picture to a running service and unpacks its layers.
#
#   deploy/examples/layers.sh PICTURE [FOLDER] [name=value ...]
#   MICA_URL=http://10.0.0.5:8080 deploy/examples/layers.sh photo.jpg layers layers=4 seed=7
set -euo pipefail

url=${MICA_URL:-http://127.0.0.1:8080}
picture=${1:?usage: layers.sh PICTURE [FOLDER] [name=value ...]}
folder=${2:-layers}
fields=(-F "image=@$picture")
for parameter in "${@:3}"; do
    # --form-string: a value that begins with @ or < is no file.
    fields+=(--form-string "$parameter")
done

answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
status=$(curl --silent --show-error --output "$answer" --write-out '%{http_code}' "${fields[@]}" \
    "$url/v1/layers?format=zip")
if [[ $status != 200 ]]; then
    # The answer is application/problem+json; its detail says what to do.
    cat "$answer" >&2
    echo >&2
    exit 1
fi
mkdir -p "$folder"
unzip -q -o "$answer" -d "$folder"
ls "$folder"
