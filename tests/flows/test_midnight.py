"""Midnight: the day's partition is there before the day is, and a backup holds up nobody."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta

import psycopg
import pytest

from fakes.world import ACME, NOON, World, running
from tocsin.signals import store

pytestmark = pytest.mark.db

RETENTION_DAYS = 2
TODAY = NOON.date()
SORTED = "SELECT count(*) FROM triage.alerts WHERE integration <> 'tocsin'"
LIMIT_S = 5.0  # what waits for the reader waits for ever


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    async with running(dsn, retention_days=RETENTION_DAYS) as world:
        await world.apply(ACME)
        yield world


def days(first: int, last: int) -> set[date]:
    """Return days counted from today, both ends included."""
    return {TODAY + timedelta(days=n) for n in range(first, last + 1)}


async def partitions(world: World) -> set[date]:
    async with world.app.db.connection() as conn:
        return await store.partitions(conn)


async def post(world: World, name: str) -> None:
    alert = {"labels": {"alertname": name, "severity": "warning"}}
    answer = await world.http.post("/api/v2/alerts", json=[alert], headers=world.bearer)
    assert answer.status_code == 200


async def sort(world: World) -> None:
    """Sort what was posted the way most of it is sorted, and in time."""
    async with asyncio.timeout(LIMIT_S):
        while await world.app.sorter.sort_light():
            pass


async def test_tomorrow_has_its_partition_although_little_comes_in(world: World) -> None:
    for day in range(4):
        await post(world, f"Day{day}")
        await sort(world)
        assert days(day - 1, day + 1) <= await partitions(world)
        world.clock.forward(hours=24)
    assert await partitions(world) == days(1, 4)


async def test_a_backup_over_midnight_holds_up_no_sorting(world: World, dsn: str) -> None:
    await post(world, "Before")
    await sort(world)
    world.clock.forward(hours=24 * RETENTION_DAYS + 48)
    with psycopg.connect(dsn) as backup:
        backup.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        assert backup.execute("SELECT count(*) FROM signals.receipts").fetchone() == (1,)
        await post(world, "During")
        await sort(world)
        async with asyncio.timeout(LIMIT_S):
            await world.app.sorter.sort_batch()
        assert await world.rows(SORTED) == [(2,)]
        at = RETENTION_DAYS + 2
        assert days(at - 1, at + 1) <= await partitions(world)
        assert days(-1, 1) <= await partitions(world)  # they are read, and stay
    await post(world, "Soon after")
    await sort(world)
    assert days(-1, 1) <= await partitions(world)  # nobody tries at every turn
    world.clock.forward(minutes=1)
    await post(world, "After")
    await sort(world)
    assert await partitions(world) == days(at - 1, at + 1)
    assert await world.rows(SORTED) == [(4,)]
