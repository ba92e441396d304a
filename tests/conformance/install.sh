#!/usr/bin/env bash
# aimock, a server of scripted answers from npm (12 MB, no dependencies), for the conformance tests.
# Without Node 20 or a registry it is left out, and its tests are skipped and say so.
# usage: install.sh FOLDER
set -euo pipefail
version=1.43.0
folder=$1
installed="$folder/node_modules/@copilotkit/aimock/package.json"
if [ -f "$installed" ] && grep -q "\"version\": \"$version\"" "$installed"; then
    exit 0
fi
if ! command -v npm >/dev/null; then
    echo "conformance: no npm here; the tests against aimock are skipped" >&2
    exit 0
fi
mkdir -p "$folder"
npm install --silent --ignore-scripts --no-audit --no-fund --no-save \
    --prefix "$folder" "@copilotkit/aimock@$version" >/dev/null ||
    echo "conformance: aimock could not be installed; the tests against it are skipped" >&2
