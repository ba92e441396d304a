#!/usr/bin/env bash
# The browser of the tests: Debian's chromium where apt is there, Playwright's own elsewhere; and
# axe-core (3 MB, no dependencies), which looks for what keeps people out of a page. Without npm or a
# registry its tests are skipped, and say so.
# usage: install.sh VENV_BIN
set -euo pipefail
axe=4.14.1
folder="$1/../axe"
if ! grep -qs "\"version\": \"$axe\"" "$folder/node_modules/axe-core/package.json"; then
    mkdir -p "$folder"
    npm install --silent --ignore-scripts --no-audit --no-fund --no-save \
        --prefix "$folder" "axe-core@$axe" >/dev/null ||
        echo "browser: axe-core could not be installed; its tests are skipped" >&2
fi
if command -v chromium >/dev/null || command -v google-chrome >/dev/null; then
    exit 0
fi
if command -v apt-get >/dev/null; then
    as_root=""
    [ "$(id -u)" = 0 ] || as_root="sudo"
    export DEBIAN_FRONTEND=noninteractive
    $as_root apt-get update -qq
    $as_root apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
else
    "$1/python" -m playwright install --with-deps chromium
fi
