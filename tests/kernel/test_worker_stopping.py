"""A worker that stops: what was done outside is written down, and what was not is given back."""

import asyncio

import pytest
from kernel_world import (
    MAYA,
    NOON,
    Fetch,
    bells,
    cast,
    defer,
    job_kinds,
    make_bells,
    rows,
    units_of,
)

from tocsin.kernel.clock import FakeClock
from tocsin.kernel.db import Database
from tocsin.kernel.errand import Errand
from tocsin.kernel.jobs import JobKinds
from tocsin.kernel.unit import Unit
from tocsin.kernel.worker import Worker

pytestmark = pytest.mark.db


def worker_of(database: Database, kinds: JobKinds, clock: FakeClock | None = None) -> Worker:
    clock = clock or FakeClock(NOON)
    return Worker(units_of(database, kinds=kinds, clock=clock), kinds, clock)


async def test_a_worker_that_is_stopped_gives_its_errands_back_at_once(
    database: Database,
) -> None:
    started, clock = asyncio.Event(), FakeClock(NOON)

    async def fetch(errand: Errand, job: Fetch) -> None:
        started.set()
        await asyncio.Event().wait()

    worker = worker_of(database, job_kinds(fetch=fetch), clock)
    await defer(worker.units, [Fetch()])
    async with asyncio.TaskGroup() as group:
        running = group.create_task(worker.run())
        async with asyncio.timeout(5):
            await started.wait()
        clock.forward(seconds=2)
        running.cancel()
    assert await rows(database, "SELECT due_at, leased_by, leased_until FROM kernel.jobs") == [
        (clock.now(), None, None)
    ]


@pytest.mark.parametrize("count", [1, 5])
async def test_what_was_done_outside_is_written_down_though_the_worker_stops(
    database: Database, count: int
) -> None:
    """One commits just now, and of many some have no hand yet."""
    await make_bells(database)
    done: list[str] = []
    all_done, stopped = asyncio.Event(), asyncio.Event()

    async def fetch(errand: Errand, job: Fetch) -> None:
        await errand.units.run(MAYA, errand.hold)
        done.append(job.name)

        async def end(unit: Unit) -> None:
            await stopped.wait()
            await cast(unit, job.name)
            await errand.done(unit)

        if len(done) == count:
            all_done.set()
        # by each of the two ways
        await errand.save(end, errand.row.id if job.name != "0" else None)

    worker = worker_of(database, job_kinds(fetch=fetch))
    await defer(worker.units, [Fetch(name=str(n)) for n in range(count)])
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        running = group.create_task(worker.run())
        await all_done.wait()
        running.cancel()
        await asyncio.sleep(0)
        stopped.set()
    assert await bells(database) == sorted(done)
    assert len(done) == count
    assert await rows(database, "SELECT 1 FROM kernel.jobs") == []


async def test_what_cannot_be_written_down_in_time_does_not_hold_up_the_end(
    database: Database,
) -> None:
    begun = asyncio.Event()

    async def fetch(errand: Errand, job: Fetch) -> None:
        async def end(_unit: Unit) -> None:
            begun.set()
            await asyncio.Event().wait()

        await errand.save(end, errand.row.id)

    worker = worker_of(database, job_kinds(fetch=fetch))
    await defer(worker.units, [Fetch()])
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        running = group.create_task(worker.run())
        await begun.wait()
        running.cancel()
    free = "SELECT leased_by IS NULL, due_at FROM kernel.jobs"
    assert await rows(database, free) == [(True, NOON)]
