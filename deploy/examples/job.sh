#!/usr/bin/env bash
# Hands a picture in, follows the job's events, and saves the PSD.
#
#   deploy/examples/job.sh PICTURE [FILE.psd] [name=value ...]
#   MICA_URL=https://mica.example.com MICA_KEY=... deploy/examples/job.sh photo.jpg photo.psd layers=4
set -euo pipefail

url=${MICA_URL:-http://127.0.0.1:8080}
picture=${1:?usage: job.sh PICTURE [FILE.psd] [name=value ...]}
file=${2:-layers.psd}
options=(--silent --show-error --fail-with-body)
# From a file, so that the key is in no list of processes.
[[ -z ${MICA_KEY:-} ]] || options+=(--header @<(printf 'Authorization: Bearer %s' "$MICA_KEY"))
fields=(-F "image=@$picture")
for parameter in "${@:3}"; do
    fields+=(--form-string "$parameter")
done

# The answer is 202 with the job's address in Location.
job=$url$(curl "${options[@]}" --output /dev/null --write-out '%header{location}' "${fields[@]}" "$url/v1/jobs")
echo "$job"
curl "${options[@]}" --no-buffer "$job/events" |
    awk '/^event: / { event = $2 } /^data: / && event != "preview" { print event, substr($0, 7); fflush() }'
curl "${options[@]}" --output "$file" "$job/layers.psd"
curl "${options[@]}" --request DELETE "$job"
echo "$file"
