#!/usr/bin/env bash
# Installs the real programs that some tests talk to, or says which tests will be skipped.
# Never fails: a machine without apt runs the rest of the suite.
set -uo pipefail

missing=()
need() { # PACKAGE COMMAND WHAT-IS-SKIPPED
    command -v "$2" >/dev/null && return
    missing+=("$1")
    skipped+=("  without $1: $3")
}
skipped=()
look() {
    missing=() skipped=()
    need chromium chromium "journeys in a browser"
    need prometheus prometheus "the journey from a real Prometheus"
    need prometheus-alertmanager prometheus-alertmanager "the comparison with Alertmanager"
    PATH=$PATH:/usr/sbin need dovecot-imapd dovecot "answers to pages by mail, from a real mailbox"
    PATH=$PATH:/usr/sbin need nginx-light nginx "the proxies of deploy/proxy"
    PATH=$PATH:/usr/sbin need haproxy haproxy "the proxies of deploy/proxy"
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || {
        missing+=(postgresql)
        skipped+=("  without postgresql: stores on a system PostgreSQL")
    }
}

install() {
    # a package must not start its service: the tests start their own
    local policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    echo "tocsin: installing ${missing[*]} with apt-get"
    {
        apt-get update && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install --yes \
            --no-install-recommends "${missing[@]}" fonts-liberation
    } >.build/apt.log 2>&1 </dev/null || echo "tocsin: apt-get failed; see .build/apt.log" >&2
}

cd "$(dirname "$0")/.." || exit
mkdir -p .build
look
[ ${#missing[@]} -gt 0 ] || exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    install
    look
    [ ${#missing[@]} -gt 0 ] || exit 0
elif command -v apt-get >/dev/null; then
    echo "tocsin: to run all tests: sudo apt-get install --no-install-recommends ${missing[*]} fonts-liberation"
fi
echo "tocsin: these tests will be skipped:"
printf '%s\n' "${skipped[@]}"
exit 0
