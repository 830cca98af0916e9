"""Jobs in the table: keys, leases, witnesses and instants."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_world import BELL, MAYA, NOON, Fetch, Tick, defer, rows, units_of
from psycopg import AsyncConnection

from tocsin.kernel import job_queue, jobs
from tocsin.kernel.db import Database
from tocsin.kernel.ids import uuid7
from tocsin.kernel.unit import Unit

pytestmark = pytest.mark.db

SECOND = timedelta(seconds=1)
MINE, THEIRS = uuid7(), uuid7()


async def _soonest(conn: AsyncConnection[Any]) -> datetime | None:
    return min(filter(None, await job_queue.next_due(conn)), default=None)


@given(st.integers(0, 10_000))
def test_a_backoff_doubles_from_one_second_and_stops_at_thirty(attempts: int) -> None:
    found = jobs.backoff(attempts)
    assert SECOND <= found <= 30 * SECOND
    assert found <= jobs.backoff(attempts + 1) <= 2 * found
    assert [jobs.backoff(n) // SECOND for n in (1, 2, 3, 4, 5, 6)] == [1, 2, 4, 8, 16, 30]


async def test_of_one_key_one_job_waits_for_the_earliest_instant(database: Database) -> None:
    units = units_of(database)
    for minutes in (5, 3, 9):
        await defer(units, [Tick()], at=NOON + timedelta(minutes=minutes), key="page:1")
    assert await rows(database, "SELECT key, due_at FROM kernel.jobs") == [
        ("page:1", NOON + timedelta(minutes=3))
    ]


async def test_a_key_may_be_named_twice_in_one_unit(database: Database) -> None:
    async def act(unit: Unit) -> None:
        unit.defer(Tick(name="late"), at=NOON + 9 * SECOND, key="page:1")
        unit.defer(Tick(name="early"), at=NOON + 4 * SECOND, key="page:1")
        unit.defer(Tick(name="other"), at=NOON + 7 * SECOND, key="page:2")
        unit.defer(Tick(name="no key"), at=NOON)
        unit.defer(Tick(name="no key"), at=NOON)

    await units_of(database).run(MAYA, act)
    assert await rows(database, "SELECT key, due_at FROM kernel.jobs ORDER BY due_at") == [
        (None, NOON),
        (None, NOON),
        ("page:1", NOON + 4 * SECOND),
        ("page:2", NOON + 7 * SECOND),
    ]


async def test_a_timer_is_taken_oldest_first_and_is_back_when_the_transaction_fails(
    database: Database,
) -> None:
    units = units_of(database)
    await defer(units, [Tick(name="second")], at=NOON - SECOND)
    await defer(units, [Tick(name="first")], at=NOON - 2 * SECOND)
    await defer(units, [Tick(name="not yet")], at=NOON + SECOND)
    await defer(units, [Fetch(name="no timer")], at=NOON - 3 * SECOND)
    async with database.connection() as conn:
        async with conn.transaction(force_rollback=True):
            assert await _taken(conn, NOON) == "first"
        assert await _taken(conn, NOON) == "first"
        assert await _taken(conn, NOON) == "second"
        assert await _taken(conn, NOON) is None


async def _taken(conn: AsyncConnection[Any], now: datetime) -> str | None:
    row = await job_queue.take_timer(conn, now)
    if row is None:
        return None
    await job_queue.end_timers(conn, [row.id])
    return msgspec.json.decode(row.body, type=Tick).name


async def test_two_transactions_never_take_the_same_timer(database: Database) -> None:
    await defer(units_of(database), [Tick(name="one"), Tick(name="two")])
    async with (
        database.connection() as one,
        database.connection() as two,
        database.connection() as three,
        one.transaction(),
        two.transaction(),
        three.transaction(),
    ):
        taken = [await job_queue.take_timer(conn, NOON) for conn in (one, two, three)]
    assert len({row.id for row in taken if row}) == 2
    assert taken[2] is None


async def test_a_timer_that_was_run_by_another_a_moment_ago_is_not_taken(
    database: Database,
) -> None:
    await defer(units_of(database), [Tick(name="one")])
    async with database.connection() as one, database.connection() as two:
        async with one.transaction():
            row = await job_queue.take_timer(one, NOON)
            assert row is not None
            assert await job_queue.take_timer(two, NOON) is None
            await job_queue.end_timers(one, [row.id])
        assert await job_queue.take_timer(two, NOON) is None


async def test_who_holds_a_timers_subject_may_defer_under_its_key_while_it_runs(
    database: Database,
) -> None:
    units = units_of(database)
    await defer(units, [Tick()], at=NOON, key="group:1")
    async with database.connection() as conn, conn.transaction():
        row = await job_queue.take_timer(conn, NOON)
        assert row is not None
        async with asyncio.timeout(5):  # a row lock here and the subject's lock make a deadlock
            await defer(units, [Tick()], at=NOON + 9 * SECOND, key="group:1")
        await job_queue.end_timers(conn, [row.id])


async def test_a_lease_keeps_others_away_for_ten_seconds(database: Database) -> None:
    await defer(units_of(database), [Fetch()])
    async with database.connection() as conn:
        [row] = await job_queue.lease_errands(conn, NOON, worker=MINE, limit=9)
        assert row.attempts == 1
        assert (
            await job_queue.lease_errands(conn, NOON + 9 * SECOND, worker=THEIRS, limit=9) == []
        )
        [row] = await job_queue.lease_errands(conn, NOON + 10 * SECOND, worker=THEIRS, limit=9)
        assert row.attempts == 2
        assert not await job_queue.finish(conn, row.id, worker=MINE)
        assert not await job_queue.release(conn, row.id, worker=MINE, due_at=NOON)
        assert await job_queue.finish(conn, row.id, worker=THEIRS)


async def test_a_heartbeat_keeps_a_lease_and_never_brings_a_lost_one_back(
    database: Database,
) -> None:
    await defer(units_of(database), [Fetch()])
    async with database.connection() as conn:
        [row] = await job_queue.lease_errands(conn, NOON, worker=MINE, limit=1)
        for beat in range(1, 8):
            await job_queue.extend(conn, NOON + beat * 3 * SECOND, worker=MINE)
        assert (
            await job_queue.lease_errands(conn, NOON + 30 * SECOND, worker=THEIRS, limit=1)
            == []
        )
        late = NOON + 31 * SECOND  # ten seconds after the last beat
        await job_queue.extend(conn, late, worker=MINE)
        assert [
            r.id for r in await job_queue.lease_errands(conn, late, worker=THEIRS, limit=1)
        ] == [row.id]


async def test_an_errand_that_is_given_back_is_due_when_it_was_said(database: Database) -> None:
    await defer(units_of(database), [Fetch()])
    async with database.connection() as conn:
        [row] = await job_queue.lease_errands(conn, NOON, worker=MINE, limit=1)
        due_at = NOON + 4 * SECOND
        assert await job_queue.release(
            conn, row.id, worker=MINE, due_at=due_at, error="x" * 9000
        )
        assert await _soonest(conn) == due_at
        assert (
            await job_queue.lease_errands(conn, due_at - SECOND, worker=THEIRS, limit=1) == []
        )
        assert len(await job_queue.lease_errands(conn, due_at, worker=THEIRS, limit=1)) == 1
    assert await rows(database, "SELECT length(last_error) FROM kernel.jobs") == [(2000,)]


async def test_what_is_next_counts_leases_and_leaves_out_what_is_parked(
    database: Database,
) -> None:
    units = units_of(database)
    async with database.connection() as conn:
        assert await _soonest(conn) is None
        await defer(units, [Fetch()], at=NOON)
        await job_queue.lease_errands(conn, NOON, worker=MINE, limit=1)
        assert await _soonest(conn) == NOON + 10 * SECOND
        assert await jobs.lag_s(conn, NOON + 5 * SECOND) == 0
        assert await jobs.lag_s(conn, NOON + 15 * SECOND) == 15
        await defer(units, [Tick()], at=NOON + 4 * SECOND, key="k")
        assert await _soonest(conn) == NOON + 4 * SECOND
        await jobs.pull_forward(conn, "k", NOON + 2 * SECOND)
        await jobs.pull_forward(conn, "k", NOON + 8 * SECOND)
        assert await _soonest(conn) == NOON + 2 * SECOND
        await conn.execute("UPDATE kernel.jobs SET parked_at = due_at")
        assert await _soonest(conn) is None


async def test_a_witness_is_of_the_same_subject_and_epoch_and_not_parked(
    database: Database,
) -> None:
    units = units_of(database)
    other = UUID(int=7)
    await defer(units, [Tick()], subject=BELL, epoch=2, at=NOON)
    await defer(units, [Tick()], subject=BELL, epoch=1, at=NOON + SECOND)
    async with database.connection() as conn:
        assert await jobs.is_witnessed(conn, BELL, 2)
        assert not await jobs.is_witnessed(conn, BELL, 3)
        assert not await jobs.is_witnessed(conn, other, 2)
        assert await jobs.due_at_of(conn, [(BELL, 2), (BELL, 1), (other, 1)]) == {
            BELL: [("test.tick", NOON), ("test.tick", NOON + SECOND)]
        }
        await conn.execute("UPDATE kernel.jobs SET parked_at = due_at")
        assert not await jobs.is_witnessed(conn, BELL, 2)
