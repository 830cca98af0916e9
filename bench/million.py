"""Over minutes with 1,000,000 stored alerts: latency while checkpoints and vacuum are at work."""

import sys
import time
from typing import Any

from _lab import Load, Tocsin, finish, tocsin
from _report import figure, report

CLAIM = (
    "With 1,000,000 stored alerts and 1,000 alerts/s of new and repeated ones for minutes:"
    " latency stays flat, nothing is refused, sorting keeps up, vacuum does too."
)
STORED = 1_000_000
CHUNK = 25_000  # sent at once, then sorted: the lag limit is part of what runs
RATE = 1_000.0
WINDOW_S = 30.0
WINDOWS = 4  # of new alerts, and as many of repeated ones
SORTED_LIMIT_S = 300.0
DAY_S = 86_400  # without an end of its own the million would expire in the middle, as it should
TABLES = ("signals.inbox", "triage.alerts", "kernel.jobs", "kernel.log")


def fill(server: Tocsin) -> dict[str, Any]:
    """Store the million through the real path."""
    began_s = time.monotonic()
    failed = 0
    for first in range(0, STORED, CHUNK):
        load = Load(alerts=CHUNK, batch=100, connections=4, ends_in_s=DAY_S)
        found = server.load(load, first=first, run="million")
        failed += sum(found["errors"].values())
        server.wait_sorted(SORTED_LIMIT_S)
    elapsed_s = time.monotonic() - began_s
    return {
        "elapsed_s": round(elapsed_s, 1),
        "alerts_per_s_sorted": round(STORED / elapsed_s),
        "refused": failed,
    }


def steady(server: Tocsin, name: str, distinct: int) -> list[dict[str, Any]]:
    """Send at a fixed rate, window after window; `distinct` 0 sends new alerts only."""
    windows = []
    for window in range(WINDOWS):
        alerts = int(RATE * WINDOW_S)
        load = Load(
            alerts=alerts,
            batch=10,
            connections=8,
            rate=RATE,
            distinct=distinct,
            ends_in_s=DAY_S,
        )
        run = "million" if distinct else f"{name}-{window}"
        # repeated ones walk through the million, so that rows all over the table change
        client = server.start_load(load, first=window * alerts * 7, run=run)
        lags = []
        while client.poll() is None:
            time.sleep(1)
            lags.append(server.ask(LAG) or 0.0)
        found = finish(client)
        windows.append(
            {name: found[name] for name in ("p50_ms", "p99_ms", "max_ms", "errors")}
            | {"kind": name, "lag_max_s": round(float(max(lags, default=0.0)), 2)}
        )
    return windows


LAG = (
    "SELECT extract(epoch FROM clock_timestamp() - min(received_at))::float8 FROM signals.inbox"
)


def tables(server: Tocsin) -> dict[str, Any]:
    """Return size and vacuum of the tables that change."""
    return {
        table: server.ask(
            f"""
            SELECT jsonb_build_object(
                       'rows', n_live_tup, 'dead', n_dead_tup,
                       'mib', pg_total_relation_size(relid) / 1048576,
                       'autovacuums', autovacuum_count, 'autoanalyzes', autoanalyze_count)
              FROM pg_stat_user_tables
             WHERE relid = '{table}'::regclass
            """
        )
        for table in TABLES
    } | {"database_mib": server.ask("SELECT pg_database_size(current_database()) / 1048576")}


def main() -> int:
    """Fill, load and report."""
    with tocsin() as server:
        filled = fill(server)
        stored = server.ask("SELECT count(*) FROM triage.alerts")
        before = tables(server)
        windows = steady(server, "new", 0) + steady(server, "repeated", STORED)
        backlog_s = server.wait_sorted(SORTED_LIMIT_S)
        after = tables(server)
        checkpoints = server.ask("SELECT num_timed + num_requested FROM pg_stat_checkpointer")
        usage = server.usage()
    dead = after["triage.alerts"]["dead"] / max(after["triage.alerts"]["rows"], 1)
    worst = max(window["p99_ms"] for window in windows)
    best = min(window["p99_ms"] for window in windows)
    figures = {
        "stored": figure(stored, at_least=STORED),
        "p99_ms_worst_window": figure(worst, at_most=250),
        "lag_max_s": figure(max(window["lag_max_s"] for window in windows), at_most=5),
        "refused": figure(
            filled["refused"] + sum(sum(w["errors"].values()) for w in windows), at_most=0
        ),
        "backlog_s": figure(backlog_s, at_most=5),
        "dead_share": figure(round(dead, 3), at_most=0.25),
    }
    return report(
        "million", CLAIM, figures,
        filled=filled, windows=windows, p99_ms_best_window=best, tables_before=before,
        tables_after=after, checkpoints=checkpoints,
        memory_mib={name: round(one.pss_mib, 1) for name, one in usage.items()},
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
