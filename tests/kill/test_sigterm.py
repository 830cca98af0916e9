"""SIGTERM ends Tocsin within a second, and what was in flight is sent under the same key."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import psycopg
import pytest
from kill_audit import Audit, snapshot
from kill_http import Wire
from kill_mail import Sink, mail_sink
from kill_rounds import until_settled
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
    await until_settled(tocsin)
    first, again = sink.arrived[0], sink.arrived[1]
    assert again.key == first.key
    assert [mail.key for mail in sink.accepted] == [first.key]
    with snapshot(tocsin.cluster.conninfo()) as conn:
        audit = Audit(conn)
        audit.settled()
        audit.mails(sink.accepted)
        audit.insist()
        attempts = audit.rows("SELECT number, outcome FROM oncall.attempts ORDER BY number")
    assert [row["outcome"] for row in attempts] == [None, "sent"]


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


def test_an_unknown_setting_stops_the_start_and_names_the_cure(tmp_path: Path) -> None:
    environ = Tocsin(tmp_path / "home", 0, TOCSIN_PROT="8640").environ
    done = subprocess.run(
        [sys.executable, "-m", "tocsin", "serve"],
        check=False, capture_output=True, env=environ, text=True, timeout=20,
    )  # fmt: skip
    assert done.returncode not in (0, 1)
    assert "unknown setting TOCSIN_PROT: did you mean TOCSIN_PORT?" in done.stderr
    assert not (tmp_path / "home").exists()


def alert(service: str) -> dict[str, object]:
    now = datetime.now(UTC)
    return {
        "labels": {"alertname": "Down", "service": service, "severity": "critical"},
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
    }


async def _has(sink: Sink, count: int) -> bool:
    return len(sink.arrived) >= count


async def _stopped(tocsin: Tocsin) -> bool:
    return tocsin.cluster.postmaster() is None
