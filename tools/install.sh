#!/usr/bin/env bash
# Makes a virtual environment hold exactly what the named locks say: tools/install.sh DIR LOCK...
# uv does the work (fast, checks hashes); where it cannot be had, pip does the same.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
dir=$1
shift
locks=("${@/#/requirements/}")
locks=("${locks[@]/%/.txt}")

fail() {
    echo "tocsin: $*" >&2
    exit 1
}

check_python() {
    command -v "$python" >/dev/null || fail "no $python here; install Python 3.11 or newer"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "$("$python" --version) is too old; name a newer one: make PYTHON=python3.11 …"
}

# The bootstrap environment holds nothing but uv. Its lock is also its stamp.
bootstrap() {
    cmp -s requirements/bootstrap.txt .build/uv/installed.txt && return
    rm -rf .build/uv
    mkdir -p .build
    "$python" -m venv .build/uv ||
        fail "cannot make a virtual environment; on Debian: apt-get install python3-venv"
    .build/uv/bin/python -m pip install --quiet --disable-pip-version-check \
        --require-hashes -r requirements/bootstrap.txt 2>.build/bootstrap.log &&
        cp requirements/bootstrap.txt .build/uv/installed.txt
}

# What pip would use, for uv, which reads neither pip.conf nor PIP_*.
adopt_pip_settings() {
    local index extra certificates
    index=${PIP_INDEX_URL:-$(pip_setting index-url)}
    if [ -n "$index" ] && [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ]; then
        export UV_DEFAULT_INDEX=$index
    fi
    extra=${PIP_EXTRA_INDEX_URL:-$(pip_setting extra-index-url)}
    if [[ $extra == http* ]] && [ -z "${UV_INDEX:-}${UV_EXTRA_INDEX_URL:-}" ]; then
        # safe here and only here: every file must have the hash that the lock names
        export UV_EXTRA_INDEX_URL=$extra UV_INDEX_STRATEGY=unsafe-best-match
    fi
    certificates=${PIP_CERT:-$(pip_setting cert)}
    if [ -n "$certificates" ] && [ -z "${SSL_CERT_FILE:-}" ]; then
        export SSL_CERT_FILE=$certificates
    fi
    export UV_HTTP_TIMEOUT=${UV_HTTP_TIMEOUT:-120}
}

pip_setting() {
    .build/uv/bin/python -m pip config list 2>/dev/null |
        sed -n "s/^\(global\|install\)\.$1='\(.*\)'$/\2/p" | tail -n 1
}

with_uv() {
    local uv=.build/uv/bin/uv
    [ -x "$dir/bin/python" ] || "$uv" venv --quiet --no-project --python "$python" "$dir"
    "$uv" pip sync --quiet --python "$dir/bin/python" --require-hashes "${locks[@]}"
}

with_pip() {
    "$python" -m venv "$dir" ||
        fail "cannot make a virtual environment; on Debian: apt-get install python3-venv"
    "$dir/bin/python" -m pip install --quiet --disable-pip-version-check \
        --require-hashes "${locks[@]/#/--requirement=}"
}

check_python
if bootstrap && adopt_pip_settings && with_uv; then
    exit 0
fi
echo "tocsin: uv could not do it, so pip will (slower)" >&2
with_pip
