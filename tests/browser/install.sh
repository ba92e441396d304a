#!/usr/bin/env bash
# The browser of the tests: Debian's chromium where apt is there, Playwright's own elsewhere.
# usage: install.sh VENV_BIN
set -euo pipefail
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
