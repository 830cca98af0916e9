"""An hour of steady life with a long past behind it: nothing grows, slows down or stays behind."""

import asyncio
import math
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import psycopg
import pytest
import yaml
from kill_audit import Audit, snapshot
from kill_http import Wire
from kill_mail import Sink, mail_sink
from kill_server import Tocsin, free_port
from soak_gauge import bloat, growth, partitions, ratios, shown
from soak_hour import DAY, MINUTE, Hour, Plan, until_nothing_is_left
from soak_life import ALERTS_EACH, ORGANISATION, Responder, Sender, named
from soak_past import WINDOW, multiply, next_window
from soak_time import EPOCH, Postgres, Warp, can_warp, postgres_in

pytestmark = [
    pytest.mark.journey,
    pytest.mark.slow,
    pytest.mark.skipif(not can_warp(), reason="no C compiler to make faster clocks with"),
]
# ahead of us: no machine has run for less than no time
BEGINS_AT = datetime.fromisoformat("2046-03-05T00:00:00+00:00")
LIVED_RATE = 20.0
SENDERS = 8
LIVED_A_MINUTE = 12  # new ones of each sender: no storm
MEMORY_LIMIT = 0.10
SOCKETS_LIMIT = 0.30  # of mails on their way there may be some more
LATENCY_LIMIT = 1.5

Record = Callable[[str, object], None]


@pytest.fixture
def plan(pytestconfig: pytest.Config) -> Plan:
    """What the options say."""
    wanted = int(pytestconfig.getoption("--soak-incidents"))
    if not wanted:
        pytest.skip("takes minutes: `make proof`, or --soak-incidents=200")
    lived = max(2 * SENDERS, wanted // 100) // SENDERS * SENDERS
    minutes = float(pytestconfig.getoption("--soak-minutes"))
    return Plan(
        lived=lived,
        copies=math.ceil(wanted / lived) - 1,
        minutes=minutes,
        rate=float(pytestconfig.getoption("--soak-rate")),
        is_long=minutes >= 30,
    )


@pytest.fixture
def sink() -> Iterator[Sink]:
    """Mail that is taken."""
    with mail_sink(Random(1)) as sink:
        yield sink


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Postgres]:
    """A PostgreSQL that lives in a time of its own."""
    with postgres_in(tmp_path / "home") as made:
        yield made


@pytest.fixture
def warp(postgres: Postgres) -> Warp:
    """That time; it begins with a window, so that what is lived lies in one."""
    began = next_window(BEGINS_AT)
    assert (began - EPOCH) % WINDOW == timedelta(0)
    return Warp(postgres.cluster.home, began + MINUTE)


@pytest.fixture
def tocsin(
    tmp_path: Path, plan: Plan, postgres: Postgres, warp: Warp, sink: Sink
) -> Iterator[Tocsin]:
    """A server of the same time."""
    made = Tocsin(
        tmp_path / "node", free_port(Random(2)), TOCSIN_DATABASE_URL=postgres.conninfo,
        TOCSIN_SMTP_URL=sink.url, TOCSIN_RETENTION_DAYS=str(plan.retention_days),
        TOCSIN_LAG_LIMIT_S=str(5 * LIVED_RATE),
    )  # fmt: skip
    made.prefix = (sys.executable, str(Path(__file__).with_name("soak_serve.py")))
    made.environ = made.environ | warp.environ
    made.environ["SOAK_RATE"] = str(max(plan.rate, LIVED_RATE))
    yield made
    made.clear()


async def test_an_hour_after_years_leaves_everything_as_it_was(
    plan: Plan, postgres: Postgres, warp: Warp, tocsin: Tocsin, sink: Sink,
    record_testsuite_property: Record,
) -> None:  # fmt: skip
    await postgres.start(warp, autovacuum_naptime=f"{max(1, round(60 / plan.rate))}s")
    lived_at = warp.now()
    tokens = await live(plan, warp, tocsin, postgres)
    await tocsin.stop()
    await multiply(postgres, lived_at, plan.copies)
    stored = counts(postgres)
    assert stored["incidents"] >= plan.lived * (plan.copies + 1)
    assert stored["alerts"] >= ALERTS_EACH * plan.lived * (plan.copies + 1)
    days_before = partitions(postgres)

    # midnight is in the middle of it
    midnight = (warp.now() + timedelta(hours=12)).replace(hour=0, minute=0, second=0) + DAY
    midnight = midnight.replace(microsecond=0)
    half = plan.minutes * MINUTE / 2
    warp.put(midnight - half - plan.warm_up - MINUTE, rate=1)
    tocsin.environ["TOCSIN_LAG_LIMIT_S"] = str(5 * plan.rate)
    tocsin.start()
    await tocsin.until_ready()
    warp.put(midnight - half - plan.warm_up, rate=plan.rate)
    hour = Hour(plan, postgres, warp, tocsin, tokens)
    await hour.live(midnight - half)
    days_after = await hour.until_kept(days_before)
    days_seen = await hour.days(8 if plan.is_long else 2)
    measured = {
        "stored": stored,
        "hour": {
            "minutes": plan.minutes, "rate": plan.rate, "incidents": hour.opened,
            "alerts": hour.opened * ALERTS_EACH, "requests": hour.requests,
            "refused": hour.refused, "pages_taken": hour.responder.taken,
            "notes": hour.responder.noted, "mails": len(sink.accepted),
            "live_messages": hour.screens.messages,
        },
        "partitions": {
            "before": len(days_before), "after_the_hour": len(days_after),
            "days_crossed": days_seen + 1,
            "dropped": len(days_before - days_after) + days_seen,
        },
        "slower": ratios(hour.slices), "growth": growth(hour.slices),
        "slices": shown(hour.slices),
    }  # fmt: skip
    for name, value in measured.items():
        record_testsuite_property(name, named(value))
    await hour.settle()
    quiet = await hour.quiet()
    took_ms = {kind: quiet.p_ms(kind, 0.5) for kind in quiet.took_s}
    record_testsuite_property("when_nothing_fires_ms", named(took_ms))
    audited(postgres, hour)
    assert not list(bloat(hour.slices)), list(bloat(hour.slices))
    if plan.is_long:
        grown = growth(hour.slices)
        assert max(grown["server_memory"], grown["database_memory"]) <= MEMORY_LIMIT, grown
        assert max(grown.values()) <= SOCKETS_LIMIT, grown
        slower = ratios(hour.slices)
        assert all(v <= LATENCY_LIMIT for k, v in slower.items() if k != "machine"), slower


async def live(plan: Plan, warp: Warp, tocsin: Tocsin, postgres: Postgres) -> dict[str, str]:
    """Live through some incidents, each to its end; return the tokens of the senders."""
    tocsin.start()
    await tocsin.until_ready()
    tocsin.admin.token = await asyncio.to_thread(
        tocsin.run, "token", "create", "soak-admin", "--role", "admin", "--rate", "unlimited"
    )
    documents = [one for one in yaml.safe_load_all(ORGANISATION) if one]
    await tocsin.tell("POST", "/api/v1/resources/apply", {"documents": documents})
    tokens = {}
    for name in (*(f"s{n}" for n in range(SENDERS)), "probe"):
        wanted = {"name": name, "role": "integration"}
        tokens[name] = (await tocsin.tell("POST", "/api/v1/tokens", wanted))["token"]
    warp.put(rate=LIVED_RATE)
    senders = [
        Sender(name, Wire(tocsin.port, token), warp)
        for name, token in tokens.items()
        if name != "probe"
    ]
    responder = Responder(Wire(tocsin.port, tocsin.admin.token), warp)
    left = plan.lived // SENDERS
    while left:
        new = min(left, LIVED_A_MINUTE)
        left -= new
        async with asyncio.TaskGroup() as group:
            for sender in senders:
                group.create_task(sender.minute(new=new, most=LIVED_A_MINUTE))
            group.create_task(responder.look())
    await responder.look()
    async with asyncio.TaskGroup() as group:
        for sender in senders:
            group.create_task(sender.end(len(sender.firing)))
    await until_nothing_is_left(postgres, warp)
    return tokens


def counts(postgres: Postgres) -> dict[str, int]:
    """Count what is stored."""
    tables = {
        "alerts": "triage.alerts", "groups": "triage.groups", "incidents": "command.incidents",
        "pages": "oncall.pages", "notifications": "oncall.notifications",
        "receipts": "signals.receipts", "log_records": "kernel.log",
    }  # fmt: skip
    with psycopg.connect(postgres.admin, autocommit=True) as conn:
        found = {}
        for name, table in tables.items():
            row = conn.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
            assert row is not None
            found[name] = int(row[0])
        return found


def audited(postgres: Postgres, hour: Hour) -> None:
    """Hold what senders were promised against what is stored, and every invariant."""
    with snapshot(postgres.conninfo) as conn:
        audit = Audit(conn)
        audit.standing()
        rows = audit.rows(
            """
            SELECT labels ->> 'instance' AS instance FROM triage.alerts
             WHERE labels ->> 'service' LIKE 'svc-hour-%%'
            """
        )
        stored = [row["instance"] for row in rows]
        services = [name for one in (*hour.senders, hour.probe) for name in one.services]
        promised = {f"{name}-{n}" for name in services for n in range(ALERTS_EACH)}
        audit.say("an alert that is not stored", sorted(promised - set(stored)))
        audit.say("an alert that is stored twice", stored[len(promised) :])
        audit.say(
            "a leaf that is not its line's hash",
            audit.rows(
                r"""
                SELECT seq FROM kernel.log
                 WHERE leaf <> sha256('\x00'::bytea || convert_to(line, 'UTF8')) LIMIT 20
                """
            ),
        )
        audit.insist()
