"""`tocsin incident watch`: a stream of what moves, over HTTP and in this process."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import psycopg
import pytest
from click.testing import CliRunner, Result
from fake_runtime import FakeRuntime, tocsin

from fakes.served import Served, serving
from fakes.world import ACME, NOON, World, running
from tocsin.app.runtime import Runtime
from tocsin.cli.client import _server_sent
from tocsin.cli.incident_watch import is_about_incidents, news
from tocsin.cli.main import cli
from tocsin.kernel.settings import Settings

FIRE = {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"}


async def test_server_sent_events_are_read_as_they_are_written() -> None:
    async def lines() -> AsyncIterator[str]:
        for line in ("event: ping", "data:", "", "id: 7", "event: moved", "data: now x", ""):
            yield line

    found = [one async for one in _server_sent(lines())]
    assert found == [(None, ""), (7, "now x")]


def test_only_what_moves_incidents_makes_it_look_again() -> None:
    assert is_about_incidents("alerts now")
    assert is_about_incidents("incident:0195d3a0")
    assert not is_about_incidents("alerts oncall")
    assert not is_about_incidents("")


def test_each_change_is_said_once_and_the_end_as_well() -> None:
    known: dict[str, Any] = {}
    one = {"id": "1", "reference": "INC-1", "status": "triage"}
    assert news([one], known) == [one]
    assert news([one], known) == []
    moved = one | {"status": "investigating"}
    assert news([moved], known) == [moved]
    assert news([], known) == [moved | {"status": "resolved"}]
    assert news([], known) == []
    record = {"id": "2", "seq": None, "sentence": "Paged Maya."}
    assert news([record], known) == [record]
    assert news([record | {"seq": 8}], known) == []


def test_a_terminal_gets_a_picture(runtime: FakeRuntime) -> None:
    shown = tocsin(runtime, "incident", "watch", "--count", "1", "--table").output
    assert "1 open, live" in shown
    assert "INC-1" in shown
    one = tocsin(runtime, "incident", "watch", "INC-1", "--count", "1", "--table").output
    assert "disk full" in one
    assert "Step 1: calling Maya" in one
    assert "\x1b[2J" not in one


@pytest.fixture
def runtime() -> FakeRuntime:
    found = FakeRuntime()
    row = {
        "id": "1", "reference": "INC-1", "status": "investigating", "severity": 1,
        "urgency": "high", "title": "disk full\x1b[2J", "opened_at": "2026-03-27T12:00:00Z",
        "firing_count": 1,
    }  # fmt: skip
    record = {
        "id": "2",
        "seq": 1,
        "at": "2026-03-27T12:00:00Z",
        "sentence": "Step 1: calling Maya",
    }
    found.answers.table |= {
        "GET /incidents": [{"items": [row], "next": None}],
        "GET /incidents/INC-1": [row],
        "GET /incidents/INC-1/timeline": [{"items": [record], "next": None}],
    }
    return found


async def fire(world: World) -> None:
    await world.signal(FIRE, ends_at=NOON + timedelta(days=4000), summary="5xx")


def watching(server: Served, *words: str, count: int) -> tuple[threading.Thread, list[Result]]:
    found: list[Result] = []

    def watch() -> None:
        runtime = FakeRuntime(url=server.url, token=server.token)
        line = ["incident", "watch", *words, "--count", str(count)]
        found.append(CliRunner().invoke(cli, line, obj=runtime))

    thread = threading.Thread(target=watch)
    thread.start()
    return thread, found


@pytest.mark.db
@pytest.mark.journey
def test_behind_a_pipe_comes_a_line_for_each_change_over_the_wire(dsn: str) -> None:
    with serving(dsn) as server:
        thread, found = watching(server, count=3)
        server.do(fire)
        thread.join(20)
        assert found, "it has not ended"
        lines = [json.loads(line) for line in found[0].stdout.splitlines()]
        assert found[0].exit_code == 0, found[0].output
        assert lines[0]["reference"] == "INC-1"
        assert [one["title"] for one in lines] == ["HighErrorRate on checkout"] * len(lines)
        thread, found = watching(server, "INC-1", count=1)
        thread.join(20)
        told = [json.loads(line)["sentence"] for line in found[0].stdout.splitlines()]
        assert any("Step 1: calling" in one for one in told)


@pytest.mark.db
def test_without_a_token_it_acts_as_the_person_at_this_machine_and_the_log_says_so(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "ada")

    async def before() -> None:
        async with running(dsn) as world:
            await world.apply(ACME)
            await fire(world)

    asyncio.run(before())
    runtime = Runtime()
    runtime._settings = Settings(database_url=dsn)
    seen = CliRunner().invoke(cli, ["incident", "watch", "--count", "1"], obj=runtime)
    assert json.loads(seen.stdout)["reference"] == "INC-1"
    done = CliRunner().invoke(cli, ["incident", "ack", "INC-1"], obj=runtime)
    assert done.exit_code == 0, done.output
    with psycopg.connect(dsn) as connection:
        [(actor,)] = connection.execute(
            "SELECT line::jsonb -> 'actor' FROM kernel.intake_log"
            " WHERE kind LIKE 'oncall.page_acknowledged%'"
        ).fetchall()
    # the log holds no names: the id is made of this one, so who has the name can tell
    assert actor == f"local:{uuid5(NAMESPACE_URL, 'local:ada')}"
