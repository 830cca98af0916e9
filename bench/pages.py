"""How fast screens and lists answer with 10,000 alerts firing."""

import http.client
import json
import sys
import time
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import psycopg
from _lab import Load, Tocsin, tocsin
from _report import figure, percentiles, report

CLAIM = "The list of 10,000 firing alerts answers within 100 ms (p50)."
ALERTS = 10_000
ASKED = 60
PAGES = {
    "alerts": "/alerts",
    "alerts_filtered": "/alerts?q=bench",
    "incidents": "/incidents",
    "now": "/",
    "oncall": "/oncall",
    "api_alerts": "/api/v1/alerts?limit=50",
}


def post(server: Tocsin, path: str, token: str, body: object) -> Any:
    request = urllib.request.Request(
        f"{server.url}{path}",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def session(server: Tocsin, token: str) -> str:
    """Sign a browser in and return its cookie."""
    link = urlsplit(post(server, "/api/v1/links/sign-in", token, {"role": "responder"})["url"])
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(server.url).port or 0)
    connection.request("POST", link.path, headers={"Accept": "text/html"})
    answer = connection.getresponse()
    answer.read()
    return (answer.getheader("set-cookie") or "").partition(";")[0]


def ask(server: Tocsin, headers: Mapping[str, str], path: str) -> dict[str, float]:
    """Ask for one page many times over one connection, as a browser does."""
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(server.url).port or 0)
    took_s = []
    size = status = 0
    for _ in range(ASKED):
        began_s = time.perf_counter()
        connection.request("GET", path, headers=dict(headers))
        answer = connection.getresponse()
        size = len(answer.read())
        took_s.append(time.perf_counter() - began_s)
        status = answer.status
    return {**percentiles(took_s[5:]), "kb": round(size / 1e3, 1), "status": status}


def main() -> int:
    """Let 10,000 alerts fire on a fresh Tocsin, and look."""
    with tocsin() as server:
        admin = server.cli("token", "create", "bench-admin", "--role", "admin")
        server.load(Load(alerts=ALERTS, batch=500, connections=4, distinct=ALERTS))
        server.wait_sorted(120)
        with psycopg.connect(server.conninfo, autocommit=True) as connection:
            connection.execute("ANALYZE")  # as autovacuum does within a minute
        firing = int(server.ask("SELECT count(*) FROM triage.alerts WHERE state = 'firing'"))
        headers = {"Accept": "text/html", "Cookie": session(server, admin)}
        found = {name: ask(server, headers, path) for name, path in PAGES.items()}
    figures = {
        "firing": figure(firing, at_least=ALERTS),
        "alerts_p50_ms": figure(found["alerts"]["p50"], at_most=100),
        "slowest_p50_ms": figure(max(one["p50"] for one in found.values()), at_most=200),
        "refused": figure(sum(one["status"] >= 400 for one in found.values()), at_most=0),
    }
    return report("pages", CLAIM, figures, pages=found)


if __name__ == "__main__":
    sys.exit(main())
