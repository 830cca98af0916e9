"""Units: all or nothing, run again when the database asks, and what follows is in the same one."""

import asyncio
import json
from typing import Any

import psycopg
import pytest
from kernel_world import (
    BELL,
    MAYA,
    NOON,
    Echoed,
    Faded,
    Rang,
    Tick,
    Volume,
    bells,
    cast,
    make_bells,
    recorded,
    rows,
    units_of,
)

from fakes.patience import until_waiting
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM, Actor
from tocsin.kernel.db import Database
from tocsin.kernel.errors import Forbidden, Unavailable
from tocsin.kernel.ids import uuid7
from tocsin.kernel.reactions import ReactionParked, may, must
from tocsin.kernel.snapshot import Snapshot
from tocsin.kernel.unit import Unit

pytestmark = pytest.mark.db


async def test_state_events_and_jobs_are_committed_together(database: Database) -> None:
    await make_bells(database)
    units = units_of(database)
    hints: list[Unit] = []
    units.on_commit.append(hints.append)

    async def act(unit: Unit) -> str:
        await cast(unit, "big ben")
        unit.record(Rang(bell_id=BELL))
        unit.defer(Tick(), subject=BELL)
        assert await recorded(database) == []  # nobody sees it before the commit
        return "bong"

    assert await units.run(MAYA, act) == "bong"
    assert await bells(database) == ["big ben"]
    assert await rows(database, "SELECT kind, subjects, at FROM kernel.intake_log") == [
        ("test.rang", [BELL], NOON)
    ]
    assert await rows(database, "SELECT kind, mode, subject, due_at FROM kernel.jobs") == [
        ("test.tick", "timer", BELL, NOON)
    ]
    assert len(hints) == 1


async def test_a_refusal_leaves_nothing_behind_and_hints_nobody(database: Database) -> None:
    await make_bells(database)
    units = units_of(database)
    hints: list[Unit] = []
    units.on_commit.append(hints.append)
    viewer = Actor(kind="token", id=uuid7(), name="wall screen", role=Role.VIEWER)

    async def act(unit: Unit) -> None:
        await cast(unit, "big ben")
        unit.record(Rang(bell_id=BELL))
        unit.defer(Tick())
        unit.require("incident:respond")

    with pytest.raises(Forbidden, match="wall screen"):
        await units.run(viewer, act)
    assert await bells(database) == []
    assert await recorded(database) == []
    assert await rows(database, "SELECT id FROM kernel.jobs") == []
    assert hints == []


@pytest.mark.parametrize(
    "kind", [psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected]
)
async def test_a_lost_race_is_run_again_from_the_beginning(
    database: Database, kind: type[psycopg.Error]
) -> None:
    await make_bells(database)
    tries = 0

    async def act(unit: Unit) -> int:
        nonlocal tries
        tries += 1
        await cast(unit, f"try {tries}")
        unit.record(Rang(bell_id=BELL))
        if tries < 3:
            raise kind("lost the race")
        return tries

    assert await units_of(database).run(MAYA, act) == 3
    assert await bells(database) == ["try 3"]
    assert await recorded(database) == ["test.rang"]


async def test_a_connection_that_is_cut_in_mid_unit_costs_nothing(database: Database) -> None:
    await make_bells(database)
    tries = 0

    async def act(unit: Unit) -> None:
        nonlocal tries
        tries += 1
        await cast(unit, "big ben")
        if tries == 1:
            await unit.conn.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    await units_of(database).run(MAYA, act)
    assert tries == 2
    assert await bells(database) == ["big ben"]


async def test_after_three_lost_connections_the_caller_hears_that_it_is_unavailable(
    database: Database,
) -> None:
    tries = 0

    async def act(unit: Unit) -> None:
        nonlocal tries
        tries += 1
        await unit.conn.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(Unavailable, match="does not answer"):
        await units_of(database).run(MAYA, act)
    assert tries == 3


async def test_a_bug_is_not_tried_again(database: Database) -> None:
    tries = 0

    async def act(unit: Unit) -> None:
        nonlocal tries
        tries += 1
        await unit.conn.execute("SELECT 1 / 0")

    with pytest.raises(psycopg.errors.DivisionByZero):
        await units_of(database).run(MAYA, act)
    assert tries == 1


async def test_of_two_units_that_make_the_same_thing_the_second_finds_it_made(
    database: Database,
) -> None:
    await make_bells(database)
    units = units_of(database)
    made, go_on = asyncio.Event(), asyncio.Event()

    async def find_or_make(unit: Unit) -> str:
        if await rows(unit.conn, "SELECT name FROM public.bells"):
            return "found"
        await cast(unit, "big ben")
        return "made"

    async def slowly(unit: Unit) -> str:
        found = await find_or_make(unit)
        made.set()
        await go_on.wait()
        return found

    async with asyncio.TaskGroup() as group:
        first = group.create_task(units.run(MAYA, slowly))
        await made.wait()
        second = group.create_task(units.run(MAYA, find_or_make))
        await until_waiting(database)
        go_on.set()
    assert (first.result(), second.result()) == ("made", "found")


async def test_a_key_that_is_taken_for_good_is_a_bug_after_three_looks(
    database: Database,
) -> None:
    await make_bells(database)
    units = units_of(database)
    await units.run(MAYA, lambda unit: cast(unit, "big ben"))
    with pytest.raises(psycopg.errors.UniqueViolation):
        await units.run(MAYA, lambda unit: cast(unit, "big ben"))


async def _ring(unit: Unit) -> None:
    await cast(unit, "big ben")
    unit.record(Rang(bell_id=BELL))


async def _echo(unit: Unit, event: Rang) -> None:
    unit.record(Echoed(bell_id=event.bell_id))


async def _fade(unit: Unit, event: Echoed) -> None:
    unit.record(Faded(bell_id=event.bell_id))


async def _break(unit: Unit, event: Any) -> None:
    await cast(unit, "crack")
    unit.record(Faded(bell_id=event.bell_id))
    unit.defer(Tick(name="of the broken one"))
    raise RuntimeError("cracked")


async def test_a_must_that_fails_undoes_everything_however_deep_it_stands(
    database: Database,
) -> None:
    await make_bells(database)
    units = units_of(
        database, {Rang: [must(_echo)], Echoed: [must(_fade)], Faded: [must(_break)]}
    )
    with pytest.raises(RuntimeError, match="cracked"):
        await units.run(MAYA, _ring)
    assert await bells(database) == []
    assert await recorded(database) == []


async def test_what_follows_is_drained_before_the_commit_and_knows_its_cause_and_its_asker(
    database: Database,
) -> None:
    await make_bells(database)
    actors: list[Actor] = []

    async def echo(unit: Unit, event: Rang) -> None:
        actors.append(unit.actor)
        unit.require("page:open")  # what only Tocsin itself may do
        await _echo(unit, event)

    units = units_of(database, {Rang: [must(echo)], Echoed: [may(_fade)]})
    await units.run(MAYA, _ring)
    found = await rows(database, "SELECT line FROM kernel.intake_log ORDER BY ordinal")
    lines = [json.loads(row[0]) for row in found]
    assert [one["action"] for one in lines] == ["test.rang", "test.echoed", "test.faded"]
    assert [one["cause"] for one in lines] == [None, lines[0]["id"], lines[1]["id"]]
    assert {one["actor"] for one in lines} == {f"person:{MAYA.id}"}
    assert actors == [SYSTEM]


async def test_a_may_that_fails_is_parked_and_takes_only_its_own_traces_along(
    database: Database,
) -> None:
    await make_bells(database)
    units = units_of(database, {Rang: [may(_break), must(_echo)]})
    await units.run(MAYA, _ring)
    assert await bells(database) == ["big ben"]
    assert await recorded(database) == ["test.rang", "kernel.reaction_parked", "test.echoed"]
    assert await rows(database, "SELECT kind FROM kernel.jobs") == [("kernel.retry_reaction",)]
    [(reaction, event, error, attempts)] = await rows(
        database, "SELECT reaction, event, error, attempts FROM kernel.parked"
    )
    assert reaction == "test_unit._break"
    assert json.loads(event) == {"kind": "test.rang", "bell_id": str(BELL)}
    assert (error, attempts) == ("RuntimeError: cracked", 1)


async def test_an_alarm_about_what_was_parked_does_not_go_round_in_circles(
    database: Database,
) -> None:
    await make_bells(database)

    async def broken(unit: Unit, event: ReactionParked) -> None:
        raise RuntimeError("the alarm is broken, too")

    units = units_of(database, {Rang: [may(_break)], ReactionParked: [may(broken)]})
    await units.run(MAYA, _ring)
    assert await recorded(database) == ["test.rang", "kernel.reaction_parked"]
    found = await rows(database, "SELECT reaction FROM kernel.parked ORDER BY id")
    assert [row[0] for row in found] == ["test_unit._break", "test_unit.broken"]


async def test_a_may_whose_own_must_fails_is_parked_as_well(database: Database) -> None:
    await make_bells(database)
    units = units_of(database, {Rang: [may(_echo)], Echoed: [must(_break)]})
    await units.run(MAYA, _ring)
    assert await bells(database) == ["big ben"]
    assert await recorded(database) == ["test.rang", "kernel.reaction_parked"]
    assert await rows(database, "SELECT reaction FROM kernel.parked") == [("test_unit._echo",)]


async def test_a_may_that_breaks_the_database_s_patience_is_not_parked_but_run_again(
    database: Database,
) -> None:
    await make_bells(database)
    tries = 0

    async def lose(unit: Unit, event: Rang) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise psycopg.errors.SerializationFailure("lost the race")

    await units_of(database, {Rang: [may(lose)]}).run(MAYA, _ring)
    assert tries == 2
    assert await rows(database, "SELECT id FROM kernel.parked") == []


async def test_a_unit_keeps_the_configuration_it_began_with(database: Database) -> None:
    units = units_of(database)
    present = [Snapshot(1, {Volume: Volume(90)})]

    async def newest(_: object) -> Snapshot:
        return present[-1]

    units.snapshot = newest

    async def act(unit: Unit) -> list[int]:
        before = unit.config(Volume).decibels
        present.append(Snapshot(2, {Volume: Volume(20)}))
        return [before, unit.config(Volume).decibels]

    assert await units.run(MAYA, act) == [90, 90]
    assert await units.run(MAYA, act) == [20, 20]
