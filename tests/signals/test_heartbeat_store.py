"""Heartbeats on a real PostgreSQL: missed once by however many nodes, and pings bounded."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from fakes.world import ACME, NOON, World, running
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.db import Database
from tocsin.kernel.unit import Unit
from tocsin.signals import actions as signals
from tocsin.signals.actions import key_hash
from tocsin.signals.actions.pinging import AWAY
from tocsin.signals.core.heartbeat_config import Heartbeats
from tocsin.signals.model import Deaf, Ping, PingKind
from tocsin.signals.store import heartbeats as rows

pytestmark = pytest.mark.db
JOBS = "---".join(
    f"""
apiVersion: tocsin/v1
kind: Heartbeat
metadata: {{name: job-{n}}}
spec: {{every: 1m, grace: 0s}}
"""
    for n in range(5)
)


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    async with running(dsn) as world:
        await world.apply(ACME + "---" + JOBS)
        yield world


async def ping(world: World, name: str, kind: PingKind = PingKind.OK) -> None:
    known = world.app.store.current.part(Heartbeats).by_name[name]
    one = Ping(heartbeat_id=known.id, kind=kind, text=name)
    await world.app.units.run(SYSTEM, lambda unit: signals.hear(unit, [one]))


async def pass_a_minute(world: World) -> None:
    await world.app.pings.listen()
    for _ in range(6):
        world.clock.forward(seconds=10)
        await world.app.pings.listen()


async def test_several_nodes_miss_a_heartbeat_once(world: World) -> None:
    for n in range(5):
        await ping(world, f"job-{n}")
    await pass_a_minute(world)
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(world.app.pings.watch())
    assert await world.rows("SELECT count(*) FROM signals.inbox") == [(5,)]
    kinds = await world.rows(
        "SELECT count(*) FROM kernel.intake_log WHERE kind = 'signals.heartbeat_missed'"
    )
    assert kinds == [(5,)]


async def test_a_node_that_dies_before_its_commit_has_missed_nothing(world: World) -> None:
    await ping(world, "job-0")
    await pass_a_minute(world)

    async def die(unit: Unit) -> None:
        looked = await signals.watch(unit)
        assert looked.missed_count == 1
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        await world.app.units.run(SYSTEM, die)
    assert await world.rows("SELECT 1 FROM signals.inbox") == []
    assert await world.app.pings.watch() == 1
    assert await world.rows("SELECT count(*) FROM signals.inbox") == [(1,)]


async def test_the_newest_hundred_pings_are_kept_of_each(world: World) -> None:
    known = world.app.store.current.part(Heartbeats).by_name
    pings = [
        Ping(heartbeat_id=known[name].id, kind=PingKind.OK, text=str(n))
        for n in range(130)
        for name in ("job-1", "job-2")
    ]
    await world.app.units.run(SYSTEM, lambda unit: signals.hear(unit, pings[:202]))
    await world.app.units.run(SYSTEM, lambda unit: signals.hear(unit, pings[202:]))
    async with world.app.db.connection() as conn:
        kept = await rows.kept_pings(conn, known["job-1"].id)
        found = await rows.standings(conn, [known["job-1"].id])
    assert [one.text for one in kept] == [str(n) for n in range(129, 29, -1)]
    assert found[known["job-1"].id].ping_count == 130
    assert await world.rows("SELECT count(*) FROM signals.pings") == [(200,)]
    # and rows come and go with their resources
    await ping(world, "job-0", PingKind.FAIL)
    query = "SELECT state, count(*) FROM signals.heartbeats GROUP BY 1 ORDER BY 1"
    assert await world.rows(query) == [("down", 1), ("new", 2), ("up", 2)]
    await world.apply(JOBS.replace("every: 1m", "every: 1m, paused: true"))
    assert await world.rows("SELECT DISTINCT state FROM signals.heartbeats") == [("paused",)]
    await world.apply(JOBS.replace("every: 1m", "every: 2m"))
    found = await world.rows("SELECT state FROM signals.heartbeats ORDER BY state")
    assert found == [("new",)] * 2 + [("up",)] * 3


async def test_of_a_key_only_its_hash_is_kept_and_a_new_one_ends_the_old(world: World) -> None:
    async def make(unit: Unit) -> str:
        return await signals.make_key(unit, "job-3")

    old = await world.app.units.run(SYSTEM, make)
    new = await world.app.units.run(SYSTEM, make)
    assert old != new
    [(kept,)] = await world.rows(
        "SELECT key_hash FROM signals.heartbeats WHERE key_hash IS NOT NULL"
    )
    assert bytes(kept) == key_hash(new)
    assert (await world.http.get(f"/heartbeat/{old}")).status_code == 404
    assert (await world.http.get(f"/heartbeat/{new}")).status_code == 200
    [lines] = await world.rows("SELECT string_agg(line, '') FROM kernel.intake_log")
    assert new not in lines[0]


async def test_deafness_is_known_when_it_is_over(database: Database) -> None:
    now = NOON
    minute = timedelta(minutes=1)
    async with database.connection() as conn:
        assert await rows.listening(conn) is None
        await rows.note_listening(conn, now, away=AWAY)
        await rows.note_listening(conn, now + AWAY, away=AWAY)
        assert await rows.listening(conn) == (now + AWAY, None)
        await rows.note_listening(conn, now + AWAY + minute, away=AWAY)
        deaf = Deaf(now + AWAY, now + AWAY + minute)
        assert await rows.listening(conn) == (now + AWAY + minute, deaf)
        await rows.note_listening(conn, now, away=AWAY)  # a clock that is behind
        assert await rows.listening(conn) == (now + AWAY + minute, deaf)
        # away again before anybody can have looked at who was due meanwhile: it is one deafness
        later = now + AWAY + 2 * minute
        await rows.note_listening(conn, later, away=AWAY)
        assert await rows.listening(conn) == (later, Deaf(now + AWAY, later))
        await rows.note_listening(conn, later + AWAY, away=AWAY)
        await rows.note_listening(conn, later + 2 * AWAY, away=AWAY)
        await rows.note_listening(conn, later + 2 * AWAY + minute, away=AWAY)
        last = Deaf(later + 2 * AWAY, later + 2 * AWAY + minute)
        assert await rows.listening(conn) == (last.until, last)


async def test_a_ping_that_waited_while_its_job_was_missed_ends_the_alert(world: World) -> None:
    await ping(world, "job-0")
    known = world.app.store.current.part(Heartbeats).by_name["job-0"]
    one = Ping(heartbeat_id=known.id, kind=PingKind.OK)

    async def hear_late(unit: Unit) -> None:
        await pass_a_minute(world)  # while this one waits for the row of another job
        assert await world.app.pings.watch() == 1
        await signals.hear(unit, [one])

    await world.app.units.run(SYSTEM, hear_late)
    await world.settle()
    assert await world.rows("SELECT state FROM triage.alerts") == [("resolved",)]


SLOWER = JOBS.replace("every: 1m", "every: 1h")
DUE = "SELECT extract(epoch FROM max(due_at) - max(heard_at))::int FROM signals.heartbeats"


async def test_a_ping_that_races_an_edit_of_its_heartbeat_goes_by_the_new_rule(
    world: World,
) -> None:
    known = world.app.store.current.part(Heartbeats).by_name["job-0"]
    one = Ping(heartbeat_id=known.id, kind=PingKind.OK)
    tries = 0

    async def hear_late(unit: Unit) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            await world.apply(SLOWER)  # while this one has the configuration of before
        await signals.hear(unit, [one])

    await world.app.units.run(SYSTEM, hear_late)
    assert await world.rows(DUE) == [(3600,)]
    assert await world.rows("SELECT count(*) FROM signals.pings") == [(1,)]
    assert tries == 2


async def test_what_is_missed_while_it_is_edited_is_told_as_it_is_written_now(
    world: World,
) -> None:
    await ping(world, "job-0")
    await pass_a_minute(world)
    tries = 0

    async def look_late(unit: Unit) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            await world.apply(JOBS.replace("grace: 0s", "grace: 0s, severity: info"))
        await signals.watch(unit)

    await world.app.units.run(SYSTEM, look_late)
    [(body,)] = await world.rows("SELECT body FROM signals.inbox")
    assert b'"severity":"info"' in bytes(body)


async def test_who_is_paused_just_when_it_is_missed_fires_no_more(
    world: World,
) -> None:
    await ping(world, "job-0")

    async def pause_late(unit: Unit) -> None:
        await pass_a_minute(world)
        assert await world.app.pings.watch() == 1
        await signals.pause(unit, "job-0")

    await world.app.units.run(SYSTEM, pause_late)
    await world.settle()
    assert await world.rows("SELECT state FROM triage.alerts") == [("resolved",)]


async def test_a_run_that_takes_too_long_was_expected_to_end_by_its_grace(
    world: World,
) -> None:
    await world.apply(JOBS.replace("every: 1m, grace: 0s", "every: 1h, grace: 50s"))
    await ping(world, "job-0")
    await ping(world, "job-0", PingKind.START)
    due_at = world.clock.now() + timedelta(seconds=50)
    await pass_a_minute(world)
    assert await world.app.pings.watch() == 1
    [(line,)] = await world.rows(
        "SELECT line FROM kernel.intake_log WHERE kind = 'signals.heartbeat_missed'"
    )
    assert f'"expected_at":"{due_at:%Y-%m-%dT%H:%M:%S}' in line
