"""Intake's pace: sorting may slow it, and can never stop it."""

import asyncio

from tocsin.signals.actions import Pace


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_without_a_pace_nobody_waits() -> None:
    pace = Pace()
    await pace.take(1_000_000)
    pace.allow(10)
    await pace.take(10)
    pace.free()
    await pace.take(1_000_000)


async def test_what_was_too_many_is_waited_for() -> None:
    pace = Pace()
    pace.allow(10)
    await pace.take(25)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(pace.take(1))
        await turns()
        assert pace.is_held
        pace.allow(10)  # 5 are still owed
        await turns()
        assert not waiting.done()
        pace.allow(10)
    assert not pace.is_held


async def test_a_pace_that_nobody_renews_is_void() -> None:
    pace = Pace()
    pace.allow(0)
    await pace.take(1_000)
    await pace.take(1_000)
    assert not pace.is_held
