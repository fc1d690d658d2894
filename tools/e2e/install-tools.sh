#!/usr/bin/env bash
# Installs what the end-to-end tests need and the system lacks: programs by apt, Python packages into .venv/e2e.
set -euo pipefail
cd "$(dirname "$0")/../.."

# Command and package.
programs=(
    curl:curl openssl:openssl unzip:unzip python3:python3 nginx:nginx-light haproxy:haproxy slowhttptest:slowhttptest
    chromium:chromium gimp:gimp identify-im6.q16:imagemagick
    krita:krita Xvfb:xvfb
)
missing=()
for program in "${programs[@]}"; do
    command -v "${program%%:*}" >/dev/null || missing+=("${program#*:}")
done
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
if [[ ${#missing[@]} -gt 0 ]]; then
    as_root=()
    [[ $(id -u) -eq 0 ]] || as_root=(sudo)
    echo "install-tools: installing ${missing[*]}"
    "${as_root[@]}" apt-get update -qq
    # Without policy-rc.d the packages would start their services.
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

environment=.venv/e2e
stamp=$environment/requirements.txt
if ! cmp -s tools/e2e/requirements.txt "$stamp"; then
    [[ -x $environment/bin/python ]] || python3 -m venv "$environment"
    "$environment/bin/pip" install --quiet --disable-pip-version-check --requirement tools/e2e/requirements.txt
    cp tools/e2e/requirements.txt "$stamp"
fi
