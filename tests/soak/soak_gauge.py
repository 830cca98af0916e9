"""What is measured slice by slice, and whether the last slices are like the first."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from statistics import mean, median
from typing import Any

import psycopg
from kill_server import Tocsin
from msgspec import Struct
from psycopg.rows import dict_row
from soak_time import Postgres

MIB = 1024 * 1024
HOT = (
    "signals.inbox", "signals.integration_minutes", "signals.integration_stats",
    "triage.alerts", "triage.groups", "command.incidents", "command.incident_groups",
    "command.incident_pages", "oncall.pages", "oncall.notifications", "oncall.attempts",
    "kernel.jobs", "kernel.intake_log", "kernel.log_head", "governance.tokens",
)  # fmt: skip
QUEUES = ("signals.inbox", "kernel.jobs", "kernel.intake_log")
GROWN = (*HOT, "triage.alert_words", "kernel.log", "governance.links")
CONTROLS = ("round_trip", "arithmetic", "health")


class Held(Struct, frozen=True, kw_only=True):
    """What a set of processes holds."""

    own_mib: float  # anonymous memory: what a leak makes larger
    rss_mib: float
    processes: int
    threads: int
    files: int


class Reading(Struct, frozen=True, kw_only=True):
    """The state of everything at one instant."""

    server: Held
    database: Held
    backends_mib: (
        float  # of PostgreSQL's processes, what those have of their own that serve Tocsin
    )
    connections: int
    tables: Mapping[str, Mapping[str, Any]]
    unsorted: int
    unsealed: int
    jobs: Mapping[str, int]
    parked: int
    database_mib: float
    server_log_kib: float
    database_log_kib: float


class Slice(Struct, kw_only=True):
    """One part of the hour: how long each kind of request took, in seconds, and the end of it."""

    took_s: dict[str, list[float]] = {}
    lag_s: list[float] = []
    refused: int = 0
    reading: Reading | None = None

    def note(self, kind: str, seconds: float) -> None:
        """Add one."""
        self.took_s.setdefault(kind, []).append(seconds)

    def p_ms(self, kind: str, share: float) -> float:
        """Return a percentile, in ms."""
        ordered = sorted(self.took_s[kind])
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000, 2)


def held(root: int) -> Held:
    """Measure a process and its children."""
    own = rss = threads = files = count = 0
    for pid in _family(root):
        try:
            place = Path(f"/proc/{pid}")
            told = dict(
                line.split(":", 1) for line in (place / "status").read_text().splitlines()
            )
            files += sum(1 for _ in (place / "fd").iterdir())
        except OSError:  # it has just ended
            continue
        if "RssAnon" not in told:  # it has just ended
            continue
        own += int(told["RssAnon"].split()[0])
        rss += int(told["VmRSS"].split()[0])
        threads += int(told["Threads"])
        count += 1
    return Held(
        own_mib=round(own / 1024, 1), rss_mib=round(rss / 1024, 1), processes=count,
        threads=threads, files=files,
    )  # fmt: skip


def _own_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("RssAnon:")), 0)


def _family(pid: int) -> list[int]:
    try:
        words = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        words = []
    return [pid, *map(int, words)]


def read(tocsin: Tocsin, postgres: Postgres) -> Reading:
    """Measure now."""
    assert tocsin.main is not None
    assert postgres.main is not None
    with psycopg.connect(postgres.admin, autocommit=True, row_factory=dict_row) as conn:
        tables = conn.execute(
            """
            SELECT schemaname || '.' || relname AS name, n_live_tup AS live, n_dead_tup AS dead,
                   autovacuum_count AS vacuums, autoanalyze_count AS analyzes,
                   last_autovacuum::text, pg_relation_size(relid) / 1024 AS heap_kib,
                   pg_indexes_size(relid) / 1024 AS indexes_kib
              FROM pg_stat_user_tables
             WHERE schemaname || '.' || relname = ANY(%(names)s)
            """,
            {"names": list(GROWN)},
        ).fetchall()
        jobs = conn.execute(
            "SELECT kind, count(*) AS n FROM kernel.jobs GROUP BY kind"
        ).fetchall()
        rest = conn.execute(
            """
            SELECT (SELECT count(*) FROM signals.inbox) AS unsorted,
                   (SELECT count(*) FROM kernel.intake_log) AS unsealed,
                   (SELECT count(*) FROM kernel.parked)
                       + (SELECT count(*) FROM signals.unsortable)
                       + (SELECT count(*) FROM kernel.jobs WHERE parked_at IS NOT NULL) AS parked,
                   pg_database_size(current_database()) AS size
            """
        ).fetchone()
        backends = conn.execute(
            """
            SELECT pid FROM pg_stat_activity
             WHERE usename = 'tocsin' AND application_name IN ('tocsin', 'tocsin listen')
            """
        ).fetchall()
        backends_mib = sum(_own_kib(one["pid"]) for one in backends) / 1024
    assert rest is not None
    logs = [p.stat().st_size for p in (postgres.cluster.pgdata / "log").glob("*")]
    return Reading(
        server=held(tocsin.main.pid),
        database=held(postgres.main.pid),
        backends_mib=round(backends_mib, 1),
        connections=len(backends),
        tables={one.pop("name"): one for one in tables},
        unsorted=rest["unsorted"],
        unsealed=rest["unsealed"],
        jobs={one["kind"]: one["n"] for one in jobs},
        parked=rest["parked"],
        database_mib=round(rest["size"] / MIB, 1),
        server_log_kib=round(tocsin.log.stat().st_size / 1024, 1),
        database_log_kib=round(sum(logs) / 1024, 1),
    )


def partitions(postgres: Postgres) -> set[date]:
    """Return the days that receipts are kept of."""
    with psycopg.connect(postgres.conninfo, autocommit=True) as conn:
        rows = conn.execute(
            """
            SELECT to_date(right(c.relname, 8), 'YYYYMMDD')
              FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
             WHERE h.inhparent = 'signals.receipts'::regclass
            """
        ).fetchall()
    return {row[0] for row in rows}


def shown(slices: Sequence[Slice]) -> list[dict[str, Any]]:
    """Write slices down for people."""
    return [_shown(one) for one in slices]


def _shown(one: Slice) -> dict[str, Any]:
    reading = one.reading
    assert reading is not None
    return {
        "ms": {
            kind: [one.p_ms(kind, 0.5), one.p_ms(kind, 0.99)] for kind in sorted(one.took_s)
        },
        "asked": sum(map(len, one.took_s.values())),
        "lag_max_s": round(max(one.lag_s, default=0.0), 2),
        "refused": one.refused,
        "server_mib": [reading.server.own_mib, reading.server.rss_mib],
        "database_own_mib": reading.database.own_mib,
        "backends_mib": reading.backends_mib,
        "files": reading.server.files,
        "threads": reading.server.threads,
        "connections": reading.connections,
        "jobs": sum(reading.jobs.values()),
        "dead": {
            name: found["dead"] for name, found in reading.tables.items() if found["dead"]
        },
        "vacuums": sum(found["vacuums"] for found in reading.tables.values()),
        "database_mib": reading.database_mib,
        "server_log_kib": reading.server_log_kib,
    }


def ratios(slices: Sequence[Slice]) -> dict[str, float]:
    """Hold the last third of the slices against the first.

    A latency is told as a ratio of its medians, divided by what the machine itself got slower
    in between, if it did: a round trip to the database, an answer of the server that asks nobody,
    and arithmetic in a process of its own.
    """
    first, last = _thirds(slices)
    times = {
        kind: _median(last, kind) / _median(first, kind)
        for kind in sorted(slices[0].took_s)
        if all(any(kind in one.took_s for one in part) for part in (first, last))
    }
    slower = max([1.0, *(times[kind] for kind in CONTROLS if kind in times)])
    return {
        "machine": round(slower, 2),
        **{kind: round(n / slower, 2) for kind, n in times.items() if kind not in CONTROLS},
    }


def growth(slices: Sequence[Slice]) -> dict[str, float]:
    """Say how much more memory, files, threads and connections the last third has, 0.1: a tenth."""
    first, last = _thirds(slices)
    kinds: dict[str, Callable[[Reading], float]] = {
        "server_memory": lambda r: r.server.own_mib,
        "database_memory": lambda r: r.backends_mib,
        "server_files": lambda r: r.server.files,
        "server_threads": lambda r: r.server.threads,
        "connections": lambda r: r.connections,
    }
    found = {}
    for name, values in kinds.items():
        before, after = (mean(values(_of(one)) for one in part) for part in (first, last))
        found[name] = round(after / before - 1, 3)
    return found


def bloat(slices: Sequence[Slice]) -> Iterable[str]:
    """Name tables that dead rows pile up in, and queues that keep more room than they need."""
    first, last = _thirds(slices)
    for name in HOT:
        for one in last:
            table = _of(one).tables[name]
            if table["dead"] > 25_000 + table["live"] // 4:
                yield f"{name}: {table['dead']} dead rows beside {table['live']}"
    for name in QUEUES:
        before, after = (
            max(_of(one).tables[name]["heap_kib"] + _of(one).tables[name]["indexes_kib"] for one in p)
            for p in (first, last)
        )  # fmt: skip
        if after > 2 * before + 16 * 1024:
            yield f"{name}: {before} KiB, later {after} KiB"


def _thirds(slices: Sequence[Slice]) -> tuple[Sequence[Slice], Sequence[Slice]]:
    third = max(1, len(slices) // 3)
    return slices[:third], slices[-third:]


def _median(part: Sequence[Slice], kind: str) -> float:
    return median(one.p_ms(kind, 0.5) for one in part if kind in one.took_s)


def _of(one: Slice) -> Reading:
    assert one.reading is not None
    return one.reading
