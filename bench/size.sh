#!/usr/bin/env bash
# What an installation weighs: with every sense, and hosted (a provider brings the senses).
# usage: size.sh PYTHON
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for list in requirements.txt requirements-hosted.txt; do
    "$1" -m venv "$work/$list"
    "$work/$list/bin/python" -m pip install --quiet --no-compile -r "$list"
    megabytes=$(du -sm "$work/$list" | cut -f1)
    packages=$("$work/$list/bin/python" -m pip list --format freeze 2>/dev/null | wc -l)
    echo "$list: $megabytes MB, $packages packages"
done
