#!/usr/bin/env bash
# Pins everything that is installed, with the hash of each file that may be: for every platform and
# every Python from 3.11 on. What is pinned already stays as it is, unless --upgrade is given.
# usage: lock.sh VENV_BIN [--upgrade]
set -euo pipefail
cd "$(dirname "$0")/.."
for what in requirements requirements-hosted; do
    "$1/python" -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --custom-compile-command "make lock" "${@:2}" "$what.txt" --output-file "$what.lock"
done
