"""How late pages go on when very many wait, and when a thousand are due within one second.

People are told in the web inbox, so that what is measured is Tocsin and its database, and no
provider. `--pages` and `--minutes` make it shorter: 167 due pages a second either way.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import psycopg
from _lab import Tocsin, tocsin
from _report import figure, report

CLAIM = (
    "100,000 open pages with due timers over 10 minutes: p99 lateness under 1 s on 2 cores;"
    " 1,000 pages due in one second are stepped and their messages attempted within 5 s."
)
PEOPLE = 500
BURST = 1_000
LEAD_S = 15.0
SETTLE_S = 20.0


def organisation() -> str:
    """Write down people who are told in their inbox, and a policy of two steps."""
    people = [
        "apiVersion: tocsin/v1\nkind: Person\n"
        f"metadata: {{name: p{n}}}\n"
        f"spec: {{displayName: P{n}, contact: [{{type: inbox}}]}}\n"
        for n in range(PEOPLE)
    ]
    policies = [
        "apiVersion: tocsin/v1\nkind: EscalationPolicy\n"
        f"metadata: {{name: q{n}}}\n"
        f"spec: {{steps: [{{targets: [{{person: p{n}}}], timeout: 2h}},"
        f" {{targets: [{{person: p{(n + 1) % PEOPLE}}}], timeout: 2h}}], repeat: 0}}\n"
        for n in range(PEOPLE)
    ]
    return "---\n".join([*people, *policies])


def prepare(server: Tocsin) -> None:
    """Apply the organisation."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as document:
        document.write(organisation())
        document.flush()
        server.cli("apply", "-f", document.name)
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA bench")
        connection.execute(
            "CREATE TABLE bench.due (page_id uuid PRIMARY KEY, due_at timestamptz, run text)"
        )


def open_pages(server: Tocsin, run: str, count: int, over_s: float) -> float:
    """Open pages whose first step was called, each due at an instant of its own; when to look."""
    with psycopg.connect(server.conninfo) as connection:
        connection.execute(
            """
            INSERT INTO bench.due
            SELECT gen_random_uuid(),
                   clock_timestamp() + make_interval(secs => %(lead)s + n * %(each)s), %(run)s
              FROM generate_series(1, %(count)s) n
            """,
            {"lead": LEAD_S, "each": over_s / count, "run": run, "count": count},
        )
        connection.execute(
            """
            INSERT INTO oncall.pages
                   (id, incident_id, policy_id, state, epoch, step, loop, catch, retriggers,
                    unpageable, opened_at, brief)
            SELECT d.page_id, gen_random_uuid(), p.uid, 'triggered', 1, 0, 0, 0, 0, false,
                   clock_timestamp(), %(brief)s
              FROM (SELECT page_id, row_number() OVER (ORDER BY due_at) %% %(policies)s AS nth
                      FROM bench.due WHERE run = %(run)s) d
              JOIN (SELECT uid, row_number() OVER (ORDER BY name) - 1 AS nth
                      FROM kernel.resources WHERE kind = 'EscalationPolicy') p USING (nth)
            """,
            {
                "run": run,
                "policies": PEOPLE,
                "brief": '{"number": 1, "title": "It is down", "summary": "", "labels": {}}',
            },
        )
        connection.execute(
            """
            INSERT INTO kernel.jobs (id, kind, mode, body, subject, epoch, key, due_at)
            SELECT gen_random_uuid(), 'oncall.page_timer', 'timer',
                   json_build_object('job', 'oncall.page_timer', 'page_id', page_id,
                                     'epoch', 1, 'timer', 'step')::text,
                   page_id, 1, 'page:' || page_id || ':1:step', due_at
              FROM bench.due
             WHERE run = %(run)s
            """,
            {"run": run},
        )
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute("ANALYZE")
        row = connection.execute(
            "SELECT extract(epoch FROM max(due_at) - clock_timestamp()) FROM bench.due"
            " WHERE run = %s",
            [run],
        ).fetchone()
    return float(row[0]) if row else 0.0


def looked_at(server: Tocsin, run: str) -> dict[str, Any]:
    """Return how late steps and attempts were, in seconds, and how many there are."""
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        row = connection.execute(
            """
            SELECT count(n.id), count(a.started_at),
                   percentile_cont(0.5) WITHIN GROUP (ORDER BY n.queued_at - d.due_at),
                   percentile_cont(0.99) WITHIN GROUP (ORDER BY n.queued_at - d.due_at),
                   max(n.queued_at - d.due_at),
                   percentile_cont(0.99) WITHIN GROUP (ORDER BY a.started_at - d.due_at),
                   max(a.started_at - d.due_at)
              FROM bench.due d
              LEFT JOIN oncall.notifications n ON n.page_id = d.page_id
              LEFT JOIN oncall.attempts a ON a.notification_id = n.id AND a.number = 1
             WHERE d.run = %s
            """,
            [run],
        ).fetchone()
    assert row is not None
    names = ("step_p50_s", "step_p99_s", "step_max_s", "attempt_p99_s", "attempt_max_s")
    late = {
        name: round(value.total_seconds(), 3) if value is not None else -1.0
        for name, value in zip(names, row[2:], strict=True)
    }
    return {"stepped": row[0], "attempted": row[1], **late}


def measure(server: Tocsin, run: str, count: int, over_s: float) -> dict[str, Any]:
    """Let so many pages come due over so long, and look until all have been told."""
    before = server.usage()
    wait_s = open_pages(server, run, count, over_s)
    time.sleep(max(0.0, wait_s))
    end_s = time.monotonic() + SETTLE_S
    found = looked_at(server, run)
    while found["attempted"] < count and time.monotonic() < end_s:
        time.sleep(0.5)
        found = looked_at(server, run)
    after = server.usage()
    spent = sum(after[name].cpu_s - before[name].cpu_s for name in before)
    return found | {"cpu_ms_a_page": round(spent / count * 1e3, 2)}


def main(words: Sequence[str]) -> int:
    """Measure both, on one fresh Tocsin."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=100_000)
    parser.add_argument("--minutes", type=float, default=10.0)
    chosen = parser.parse_args(words)
    with tocsin() as server:
        prepare(server)
        burst = measure(server, "burst", BURST, 1.0)
        spread = measure(server, "spread", chosen.pages, chosen.minutes * 60)
    figures = {
        "spread_stepped": figure(spread["stepped"], at_least=chosen.pages),
        "spread_step_p99_s": figure(spread["step_p99_s"], at_most=1.0),
        "spread_attempt_p99_s": figure(spread["attempt_p99_s"], at_most=1.0),
        "burst_attempted": figure(burst["attempted"], at_least=BURST),
        "burst_attempt_max_s": figure(burst["attempt_max_s"], at_most=5.0),
    }
    return report("due_pages", CLAIM, figures, spread=spread, burst=burst)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
