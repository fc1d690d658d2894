#!/usr/bin/env bash
# Installs the system packages that building Mica needs, on Debian 12 and Ubuntu 24.04. Does nothing if none is missing.
set -euo pipefail

# Libraries that Mica links or opens, and what the compiler and the package manager need around them.
packages=(
    libopenblas-dev libdnnl-dev libpng-dev libjpeg-dev libwebp-dev liblcms2-dev libdeflate-dev zlib1g-dev libssl-dev
    libsqlite3-dev libcurl4-openssl-dev
    g++ git pkg-config
)
# What the programs of the Swift toolchain load, asked for only where they do not start.
toolchain_packages=(binutils libc6-dev libedit-dev libncurses-dev libxml2-dev tzdata)

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "install-packages: this system has no apt. Mica needs OpenBLAS, oneDNN, libpng, libjpeg-turbo, libwebp (with webpdemux)," >&2
    echo "install-packages: Little CMS 2, libdeflate, zlib, OpenSSL, SQLite and libcurl, each with its headers, and a C++ compiler." >&2
    exit 0
fi

if command -v swift >/dev/null && ! swift package --version >/dev/null 2>&1; then
    packages+=("${toolchain_packages[@]}")
fi

missing=()
for package in "${packages[@]}"; do
    status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [[ $status == installed ]] || missing+=("$package")
done

if [[ ${#missing[@]} -gt 0 ]]; then
    as_root=()
    if [[ $(id -u) -ne 0 ]]; then
        if ! command -v sudo >/dev/null; then
            echo "install-packages: please install as root: apt-get install ${missing[*]}" >&2
            exit 1
        fi
        as_root=(sudo)
    fi
    echo "install-packages: installing ${missing[*]}"
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

if ! command -v swift >/dev/null; then
    echo "install-packages: no 'swift' command; install Swift 6.2 or later: https://www.swift.org/install/linux/" >&2
    exit 1
fi
