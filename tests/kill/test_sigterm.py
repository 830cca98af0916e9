"""SIGTERM ends Tocsin within a second, and what was in flight is sent under the same key."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import psycopg
import pytest
from kill_audit import Audit, snapshot
from kill_http import Wire
from kill_mail import Sink, mail_sink
from kill_server import Tocsin, free_port, until

from tocsin.kernel import postgres

pytestmark = [pytest.mark.journey, pytest.mark.slow]
STREAMS = 20
STOP_LIMIT_S = 1.0
RESENT_LIMIT_S = 5.0


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A mail server that stalls when it is told to."""
    with mail_sink(Random(1)) as sink:
        yield sink


@pytest.fixture
def tocsin(tmp_path: Path, sink: Sink) -> Iterator[Tocsin]:
    """An installation of its own."""
    made = Tocsin(tmp_path / "home", free_port(Random(2)), TOCSIN_SMTP_URL=sink.url)
    yield made
    made.clear()


@pytest.mark.parametrize("workers", [1, 2])
async def test_sigterm_ends_it_within_a_second_with_streams_open_and_a_send_in_flight(
    tocsin: Tocsin, sink: Sink, workers: int
) -> None:
    tocsin.start(workers=workers)
    await tocsin.until_ready()
    await tocsin.furnish()
    streams = [Wire(tocsin.port, tocsin.admin.token) for _ in range(STREAMS)]
    readers = [await one.follow("/live") for one in streams]
    sink.is_stalling = True
    await tocsin.tell_alerts([alert("checkout")])
    await until(lambda: _has(sink, 1), limit_s=5, what="a mail on its way")

    code, took_s = await tocsin.stop()
    assert code == 0, tocsin.tail()
    assert took_s < STOP_LIMIT_S
    async with asyncio.timeout(1):
        for reader in readers:
            while await reader.read(65536):
                pass
    await until(lambda: _stopped(tocsin), limit_s=10, what="PostgreSQL has stopped too")

    sink.is_stalling = False
    tocsin.start(workers=workers)
    await tocsin.until_ready()
    await until(lambda: _has(sink, 2), limit_s=RESENT_LIMIT_S, what="the mail again")
    await until(lambda: _recorded(tocsin), limit_s=5, what="its attempt is recorded")
    first, again = sink.arrived[0], sink.arrived[1]
    assert again.key == first.key
    assert [mail.key for mail in sink.accepted].count(first.key) == 1
    accepted = list(sink.accepted)  # what comes after this, the snapshot need not know
    with snapshot(tocsin.cluster.conninfo()) as conn:
        audit = Audit(conn)
        audit.standing()
        audit.mails(accepted)
        audit.insist()
    assert outcomes(tocsin) == [None, "sent"]


async def test_the_last_to_leave_stops_postgresql_and_the_cli_is_not_the_last(
    tocsin: Tocsin,
) -> None:
    tocsin.start()
    await tocsin.until_ready()
    before = tocsin.cluster.postmaster()
    await asyncio.to_thread(tocsin.run, "incident", "list")
    assert tocsin.cluster.postmaster() == before
    await tocsin.stop()
    await until(lambda: _stopped(tocsin), limit_s=10, what="PostgreSQL has stopped")
    conninfo = await asyncio.to_thread(postgres.ensure, tocsin.home)
    with psycopg.connect(conninfo) as conn:
        assert conn.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)


def alert(service: str) -> dict[str, object]:
    now = datetime.now(UTC)
    return {
        "labels": {"alertname": "Down", "service": service, "severity": "critical"},
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
    }


def outcomes(tocsin: Tocsin) -> list[str | None]:
    """How the attempts of the first message ended."""
    with snapshot(tocsin.cluster.conninfo()) as conn:
        rows = Audit(conn).rows("""
            SELECT a.outcome
              FROM oncall.attempts a
              JOIN oncall.notifications n ON n.id = a.notification_id
             WHERE n.step = 0
             ORDER BY a.number
        """)
    return [row["outcome"] for row in rows]


async def _recorded(tocsin: Tocsin) -> bool:
    return outcomes(tocsin)[-1] is not None


async def _has(sink: Sink, count: int) -> bool:
    return len(sink.arrived) >= count


async def _stopped(tocsin: Tocsin) -> bool:
    return tocsin.cluster.postmaster() is None
