#!/usr/bin/env bash
# nginx, for the tests of several Parleys behind it and of a Space. Where it cannot be had, they are
# skipped and say so.
set -euo pipefail
if command -v nginx >/dev/null; then
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "places: no nginx here; the tests behind it are skipped" >&2
    exit 0
fi
as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
$as_root apt-get install -y -qq --no-install-recommends nginx-light >/dev/null ||
    echo "places: nginx could not be installed; the tests behind it are skipped" >&2
