#!/usr/bin/env bash
# Regenerates the locks under requirements/: exact versions with hashes, no index addresses.
# `make lock` keeps what is pinned where it can; `make lock UPGRADE=1` takes the newest.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=${UV:-.build/bootstrap/bin/uv}
upgrade=()
[ -z "${UPGRADE:-}" ] || upgrade=(--upgrade)

compile() {
    local name=$1
    shift
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' \
        ${upgrade[@]+"${upgrade[@]}"} --output-file "requirements/$name.txt" "$@"
}

compile runtime pyproject.toml
compile test --constraints requirements/runtime.txt requirements/test.in
compile docs requirements/docs.in
compile synapse requirements/synapse.in
compile node requirements/node.in
compile bootstrap requirements/bootstrap.in
