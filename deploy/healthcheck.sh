#!/usr/bin/env bash
# Whether the service of a container lives (HEALTHCHECK of the image). It is asked where its own options say that it
# listens: those of its command line, else of the environment, else of the file.
#
#   healthcheck.sh [PROCESS]     the service's process; 1, the container's first, if not given
set -euo pipefail

mapfile -d '' -t words <"/proc/${1:-1}/cmdline"
file=

# The value of an option by its name in the file, or nothing.
option() {
    local index flag=--${1//_/-} variable=MICA_${1^^}
    for index in "${!words[@]}"; do
        case ${words[index]} in
            "$flag") printf '%s' "${words[index + 1]:-}"; return ;;
            "$flag="*) printf '%s' "${words[index]#*=}"; return ;;
        esac
    done
    # Kubernetes sets MICA_PORT to tcp://... where a Service is called mica; the service does not heed it either.
    if [[ -n ${!variable:-} && ${!variable} != tcp://* ]]; then
        printf '%s' "${!variable}"
    elif [[ -n $file ]]; then
        sed -nE "/^$1:/ { s/^[^:]*:[[:space:]]*//; s/(^|[[:space:]]+)#.*//; s/[[:space:]]+\$//
            s/^\"(.*)\"\$/\1/; s/^'(.*)'\$/\1/; s/^(~|null)\$//; p }" "$file"
    fi
}

file=$(option config)
scheme=http
[[ -z $(option tls_certificate) ]] || scheme=https
socket=$(option unix_socket)
port=$(option port)
host=$(option host)
case $host in
    "" | 0.0.0.0 | ::) host=127.0.0.1 ;;
    *:*) host="[$host]" ;;
esac

# Its certificate names the host that clients ask for, and a proxy of the environment is for what is outside.
curl --silent --show-error --fail --output /dev/null --max-time 3 --insecure --noproxy '*' \
    ${socket:+--unix-socket "$socket"} "$scheme://$host:${port:-8080}/livez"
