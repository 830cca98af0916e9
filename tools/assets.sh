#!/usr/bin/env bash
# Builds the web assets with the npm of the machine, or with one from PyPI where it has none.
set -euo pipefail
cd "$(dirname "$0")/.."

npm_is_new_enough() {
    command -v npm >/dev/null && command -v node >/dev/null || return 1
    local major
    major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')
    [ "${major:-0}" -ge 20 ]
}

if ! npm_is_new_enough && [ "${TOCSIN_UI:-}" != skip ]; then
    if ! cmp -s requirements/node.txt .build/node/installed.txt; then
        echo "tocsin: no Node.js 20 or newer here, taking one from PyPI"
        bash tools/install.sh .build/node node
        cp requirements/node.txt .build/node/installed.txt
    fi
    PATH="$PWD/.build/node/bin:$PATH"
fi
TOCSIN_UI=${TOCSIN_UI:-require} exec .venv/bin/python hatch_build.py
