#!/usr/bin/env bash
# MCP servers that nobody here wrote, for tests/tools: server-everything (npm, 32 MB), MCP's own for
# trying clients, and mcp-server-sqlite (PyPI), which needs the SDK before its second version and so
# has an environment of its own. What cannot be had is left out; its tests are skipped and say so.
# usage: install.sh FOLDER PYTHON
set -euo pipefail
everything=2026.8.31
sqlite=2025.4.25
sdk=1.28.1
folder=$1
python=$2

made="$folder/$everything-$sqlite-$sdk.made"
[ -f "$made" ] && exit 0
mkdir -p "$folder"
whole=yes
if command -v npm >/dev/null; then
    npm install --silent --ignore-scripts --no-audit --no-fund --no-save \
        --prefix "$folder" "@modelcontextprotocol/server-everything@$everything" >/dev/null || whole=
else
    whole=
fi
"$python" -m venv "$folder/python" &&
    "$folder/python/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile \
        "mcp-server-sqlite==$sqlite" "mcp==$sdk" || whole=
if [ "$whole" ]; then
    touch "$made"
else
    echo "mcp: a server could not be installed; the tests against it are skipped" >&2
fi
