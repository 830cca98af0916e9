"""The worker: no job is lost, none runs twice at once, and a lost lease never commits."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import pytest
from kernel_world import (
    BELL,
    MAYA,
    NOON,
    Fetch,
    Rang,
    Tick,
    bells,
    cast,
    defer,
    job_kinds,
    make_bells,
    recorded,
    rows,
    units_of,
)

from tocsin.kernel.clock import FakeClock
from tocsin.kernel.db import Database
from tocsin.kernel.errand import Errand
from tocsin.kernel.jobs import JobKinds
from tocsin.kernel.unit import Unit
from tocsin.kernel.worker import Worker, every

pytestmark = pytest.mark.db

JOBS = "SELECT kind, due_at, attempts, last_error FROM kernel.jobs ORDER BY due_at"


def worker_of(database: Database, kinds: JobKinds, clock: FakeClock | None = None) -> Worker:
    clock = clock or FakeClock(NOON)
    return Worker(units_of(database, kinds=kinds, clock=clock), kinds, clock)


async def test_a_timer_what_it_writes_and_what_it_sets_are_one_transaction(
    database: Database,
) -> None:
    await make_bells(database)

    async def tick(unit: Unit, job: Tick) -> None:
        await cast(unit, job.name)
        unit.record(Rang(bell_id=BELL))
        unit.defer(Tick(name="next"), at=unit.now + timedelta(minutes=5))

    worker = worker_of(database, job_kinds(tick))
    await defer(worker.units, [Tick(name="first")])
    assert await worker.drain() == 1
    assert await bells(database) == ["first"]
    assert await recorded(database) == ["test.rang"]
    assert await rows(database, JOBS) == [("test.tick", NOON + timedelta(minutes=5), 0, "")]


async def test_a_timer_that_fails_is_put_off_longer_and_longer_and_never_lost(
    database: Database,
) -> None:
    await make_bells(database)
    clock, ran = FakeClock(NOON), 0

    async def tick(unit: Unit, job: Tick) -> None:
        nonlocal ran
        ran += 1
        await cast(unit, f"{job.name} {ran}")
        unit.record(Rang(bell_id=BELL))
        if ran <= 40:
            raise RuntimeError("no")

    worker = worker_of(database, job_kinds(tick), clock)
    await defer(worker.units, [Tick(name="try")])
    waits = []
    for attempts in range(1, 41):
        await worker.drain()
        [(_, due_at, counted, error)] = await rows(database, JOBS)
        assert (counted, error) == (attempts, "RuntimeError: no")
        waits.append((due_at - clock.now()).total_seconds())
        clock.forward(seconds=waits[-1])
    assert waits[:6] == [1, 2, 4, 8, 16, 30]
    assert set(waits[6:]) == {30}
    assert await bells(database) == []  # what a failed try wrote is gone
    await worker.drain()
    assert await bells(database) == ["try 41"]
    assert await recorded(database) == ["test.rang"]
    assert await rows(database, JOBS) == []


async def test_one_bad_timer_stops_no_other(database: Database) -> None:
    await make_bells(database)

    async def tick(unit: Unit, job: Tick) -> None:
        if job.name == "bad":
            raise RuntimeError("no")
        await cast(unit, job.name)

    worker = worker_of(database, job_kinds(tick))
    await defer(worker.units, [Tick(name="bad")], at=NOON - timedelta(hours=1))
    await defer(worker.units, [Tick(name="a"), Tick(name="b")])
    await rows(database, "UPDATE kernel.jobs SET body = '{' WHERE body LIKE '%\"b\"%'")
    await worker.drain()
    assert await bells(database) == ["a"]
    assert len(await rows(database, JOBS)) == 2  # the bad one, and the one nobody can read


@pytest.mark.parametrize("bad", ["a", "d", "h"])
async def test_of_timers_that_share_a_unit_only_the_one_that_fails_is_put_off(
    database: Database, bad: str
) -> None:
    await make_bells(database)

    async def tick(unit: Unit, job: Tick) -> None:
        await cast(unit, job.name)
        if job.name == bad:
            raise RuntimeError("no")

    worker = worker_of(database, job_kinds(tick, shares=True))
    await defer(worker.units, [Tick(name=name) for name in "abcdefgh"])
    await worker.drain()
    assert sorted(await bells(database)) == sorted(set("abcdefgh") - {bad})
    assert await rows(database, JOBS) == [
        ("test.tick", NOON + timedelta(seconds=1), 1, "RuntimeError: no")
    ]


async def test_a_timer_whose_writes_are_refused_at_the_commit_puts_off_no_neighbour(
    database: Database,
) -> None:
    """Nobody can say whose writes they were: each is run alone, and the guilty one ever after."""
    await make_bells(database)
    await rows(
        database,
        """
        CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN IF NEW.name = ''bad'' THEN RAISE EXCEPTION ''no''; END IF; RETURN NEW; END'
        """,
    )
    await rows(
        database,
        """
        CREATE CONSTRAINT TRIGGER refused AFTER INSERT ON public.bells
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.refuse()
        """,
    )

    async def tick(unit: Unit, job: Tick) -> None:
        await cast(unit, job.name)

    clock = FakeClock(NOON)
    worker = worker_of(database, job_kinds(tick, shares=True), clock)
    await defer(worker.units, [Tick(name=name) for name in ("bad", "a", "b", "c")])
    await worker.drain()
    assert sorted(await bells(database)) == ["a", "b", "c"]
    [(_, due_at, attempts, _)] = await rows(database, JOBS)
    assert (due_at, attempts) == (NOON + timedelta(seconds=1), 1)
    failures = worker.failures
    clock.forward(seconds=1)
    await defer(worker.units, [Tick(name="e"), Tick(name="f")])
    await worker.drain()
    assert worker.failures == failures + 1  # with nobody
    assert sorted(await bells(database)) == ["a", "b", "c", "e", "f"]


async def test_a_timer_that_loses_its_connection_is_run_again(database: Database) -> None:
    await make_bells(database)
    ran = 0

    async def tick(unit: Unit, job: Tick) -> None:
        nonlocal ran
        ran += 1
        await cast(unit, "big ben")
        if ran == 1:
            await unit.conn.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    worker = worker_of(database, job_kinds(tick))
    await defer(worker.units, [Tick()])
    await worker.drain()
    assert await bells(database) == ["big ben"]
    assert await rows(database, JOBS) == []


async def test_workers_at_the_same_time_run_each_job_once(database: Database) -> None:
    await make_bells(database)
    ran: Counter[str] = Counter()

    async def tick(unit: Unit, job: Tick) -> None:
        ran[job.name] += 1
        await cast(unit, job.name)

    async def fetch(errand: Errand, job: Fetch) -> None:
        ran[job.name] += 1
        await errand.units.run(MAYA, errand.done)

    workers = [worker_of(database, job_kinds(tick, fetch)) for _ in range(4)]
    await defer(workers[0].units, [Tick(name=f"timer {n}") for n in range(40)])
    await defer(workers[0].units, [Fetch(name=f"errand {n}") for n in range(40)])
    async with asyncio.TaskGroup() as group:
        for worker in workers:
            group.create_task(worker.drain())
    assert len(ran) == 80
    assert set(ran.values()) == {1}
    assert await rows(database, JOBS) == []


async def test_an_errand_whose_lease_went_to_another_commits_nothing(
    database: Database,
) -> None:
    await make_bells(database)
    clock = FakeClock(NOON)
    other_took: list[int] = []

    async def fetch(errand: Errand, job: Fetch) -> None:
        if not other_took:
            other_took.append(0)
            clock.forward(seconds=11)  # no heartbeat came
            other_took[0] = await other.drain()

        async def end(unit: Unit) -> None:
            await cast(unit, f"by attempt {errand.row.attempts}")
            unit.record(Rang(bell_id=BELL))
            await errand.done(unit)

        await errand.units.run(MAYA, end)

    kinds = job_kinds(fetch=fetch)
    mine, other = worker_of(database, kinds, clock), worker_of(database, kinds, clock)
    await defer(mine.units, [Fetch()])
    await mine.drain()
    assert other_took == [1]
    assert await bells(database) == ["by attempt 2"]
    assert await recorded(database) == ["test.rang"]


async def test_an_errand_that_was_stopped_before_it_sent_does_not_send(
    database: Database,
) -> None:
    clock, sent = FakeClock(NOON), 0
    other_took: list[int] = []

    async def fetch(errand: Errand, job: Fetch) -> None:
        nonlocal sent
        await errand.units.run(MAYA, errand.hold)
        if not other_took:  # stopped for longer than its lease, right here
            other_took.append(0)
            clock.forward(seconds=11)
            other_took[0] = await other.drain()
        await errand.still_held()
        sent += 1
        await errand.units.run(MAYA, errand.done)

    kinds = job_kinds(fetch=fetch)
    mine, other = worker_of(database, kinds, clock), worker_of(database, kinds, clock)
    await defer(mine.units, [Fetch()])
    await mine.drain()
    assert (other_took, sent) == ([1], 1)
    assert await rows(database, JOBS) == []


async def test_giving_back_what_is_not_ours_any_more_is_refused_too(database: Database) -> None:
    async def fetch(errand: Errand, job: Fetch) -> None:
        await rows(database, "UPDATE kernel.jobs SET leased_by = gen_random_uuid()")
        await errand.units.run(MAYA, lambda unit: errand.again(unit, NOON))

    worker = worker_of(database, job_kinds(fetch=fetch))
    await defer(worker.units, [Fetch()])
    await worker.drain()
    assert await rows(database, "SELECT leased_by IS NOT NULL FROM kernel.jobs") == [(True,)]


async def test_an_errand_that_fails_comes_back_after_its_backoff(database: Database) -> None:
    clock, ran = FakeClock(NOON), 0

    async def fetch(errand: Errand, job: Fetch) -> None:
        nonlocal ran
        ran += 1
        if ran < 3:
            raise RuntimeError("no")
        await errand.units.run(MAYA, errand.done)

    worker = worker_of(database, job_kinds(fetch=fetch), clock)
    await defer(worker.units, [Fetch()])
    for wait_s in (1, 2):
        await worker.drain()
        [(_, due_at, _, error)] = await rows(database, JOBS)
        assert (due_at - clock.now()).total_seconds() == wait_s
        assert error == "RuntimeError: no"
        clock.forward(seconds=wait_s)
    await worker.drain()
    assert await rows(database, JOBS) == []


async def test_a_running_worker_is_woken_by_a_commit_of_its_own_process(
    database: Database,
) -> None:
    rang = asyncio.Event()

    async def tick(unit: Unit, job: Tick) -> None:
        rang.set()

    worker = worker_of(database, job_kinds(tick))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(worker.run())
        async with asyncio.timeout(5):
            await defer(worker.units, [Tick()])
            await rang.wait()
        running.cancel()


async def test_a_worker_never_starts_an_errand_that_it_is_still_running(
    database: Database,
) -> None:
    """Its lease may run out while the database is away and no heartbeat gets through."""
    clock = FakeClock(NOON)
    worker = worker_of(database, job_kinds(), clock)
    await defer(worker.units, [Fetch()])
    spawned: list[Coroutine[Any, Any, None]] = []
    await worker._round(spawned.append)
    first = [one for one in spawned if "_errand" in repr(one)]
    assert len(first) == 1
    clock.forward(seconds=11)
    await worker._round(spawned.append)
    assert [one for one in spawned if "_errand" in repr(one)] == first
    for one in spawned:
        one.close()


async def test_a_loop_outlives_whatever_its_beat_raises() -> None:
    wake, beats = asyncio.Event(), 0

    async def beat() -> float:
        nonlocal beats
        beats += 1
        wake.set()
        if beats == 1:
            raise RuntimeError("no")
        if beats == 3:
            raise asyncio.CancelledError
        return 600.0

    with pytest.raises(asyncio.CancelledError):
        await every(beat, name="test", wake=wake)
    assert beats == 3
