#!/usr/bin/env bash
# Installs the real programs that some tests talk to, or says which tests will be skipped.
# Never fails: a machine without apt runs the rest of the suite.
set -uo pipefail

missing=() skipped=()
need() { # PACKAGE COMMAND WHAT-IS-SKIPPED
    command -v "$2" >/dev/null && return
    missing+=("$1")
    skipped+=("  without $1: $3")
}
# what is too large to be installed unasked, is no package of Debian's, or takes who calls
lack() { # WHAT WHAT-IS-SKIPPED
    skipped+=("  without $1: $2")
}
look() {
    missing=() skipped=()
    need chromium chromium "journeys in a browser"
    need prometheus prometheus "the journey from a real Prometheus, and its rules in the docs"
    need prometheus-alertmanager prometheus-alertmanager "the comparison with Alertmanager"
    PATH=$PATH:/usr/sbin need dovecot-imapd dovecot "answers to pages by mail, from a real mailbox"
    PATH=$PATH:/usr/sbin need nginx-light nginx "the proxies of deploy/proxy"
    PATH=$PATH:/usr/sbin need haproxy haproxy "the proxies of deploy/proxy"
    need caddy caddy "the proxies of deploy/proxy"
    need systemd systemd-analyze "systemd's own check of the units of deploy/systemd"
    need openssl openssl "none; those of TLS fail, which make their certificates with it"
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || {
        missing+=(postgresql)
        skipped+=("  without postgresql: stores on a system PostgreSQL")
    }
    command -v go >/dev/null && [ -d /usr/share/gocode/src/github.com/Masterminds/sprig ] &&
        [ -d /usr/share/gocode/src/sigs.k8s.io/yaml ] ||
        lack "golang-go golang-github-masterminds-sprig-dev golang-k8s-sigs-yaml-dev (500 MB)" \
            "the Helm chart, rendered"
    command -v cc >/dev/null ||
        lack "gcc libc6-dev (150 MB)" "a node whose clock is wrong, and the soak of make proof"
    [ -x .build/synapse/bin/python ] ||
        lack "make .build/synapse/installed.txt" "answers in Matrix, from a real homeserver"
    if [ "$(id -u)" = 0 ]; then
        PATH=$PATH:/usr/sbin need iproute2 ip "nodes that are cut off from the database"
    else
        lack "root" "nodes that are cut off, a full disk, PostgreSQL below an account of its own"
    fi
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
if [ ${#missing[@]} -gt 0 ] && command -v apt-get >/dev/null; then
    if [ "$(id -u)" = 0 ]; then
        install
        look
    else
        echo "tocsin: to run more tests: sudo apt-get install --no-install-recommends ${missing[*]} fonts-liberation"
    fi
fi
[ ${#skipped[@]} -gt 0 ] || exit 0
echo "tocsin: these tests will be skipped:"
printf '%s\n' "${skipped[@]}"
exit 0
