"""The turnstile: who sends little passes, the others go in rotation and after pages."""

import asyncio

import pytest

from tocsin.kernel.errors import Unavailable
from tocsin.kernel.right_of_way import RightOfWay
from tocsin.signals.actions.pace import Pace
from tocsin.signals.actions.turnstile import BUDGET_BYTES, LIGHT_BURST, WAITING_MAX, Turnstile

LARGE = BUDGET_BYTES  # one at a time


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Gate:
    """A turnstile, and who went through it in which order."""

    def __init__(self) -> None:
        self.way = RightOfWay()
        self.turnstile = Turnstile(self.way, Pace())
        self.passed: list[str] = []

    async def go(self, name: str, size: int = LARGE) -> None:
        if not self.turnstile.passes(name, size):
            await self.turnstile.wait(name, size)
        self.passed.append(name)

    async def make_heavy(self, *names: str) -> None:
        for name in names:
            while self.turnstile._is_below(name, LARGE):
                pass


@pytest.fixture
async def gate() -> Gate:
    return Gate()


async def test_who_sends_little_passes_though_nobody_turns(gate: Gate) -> None:
    await gate.make_heavy("flood")
    with gate.way.held():
        waiting = asyncio.ensure_future(gate.go("flood"))
        for _ in range(int(LIGHT_BURST) // 2):
            await gate.go("quiet", 100)
        assert set(gate.passed) == {"quiet"}
        waiting.cancel()


async def test_who_sends_much_needs_no_turn_while_nobody_else_wants_one(gate: Gate) -> None:
    await gate.make_heavy("flood")
    await gate.go("flood", 100)
    assert gate.passed == ["flood"]


async def test_no_more_goes_at_once_than_a_turn_has_room_for(gate: Gate) -> None:
    await gate.make_heavy("flood")
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(gate.go("flood", BUDGET_BYTES // 4)) for _ in range(6)]
        await turns()
        assert gate.passed == ["flood"] * 4
        for task in tasks:
            task.cancel()


async def test_the_others_go_in_rotation_however_many_one_has(gate: Gate) -> None:
    await gate.make_heavy("a", "b", "c")
    async with asyncio.TaskGroup() as group:
        with gate.way.held():
            for name in [*"aaaaaa", *"bb", "c"]:
                group.create_task(gate.go(name))
            await turns()
        turning = group.create_task(gate.turnstile.run())
        while len(gate.passed) < 9:
            await asyncio.sleep(0)
        turning.cancel()
    assert gate.passed == [*"abcabaaaa"]
    assert gate.turnstile.count == 0


async def test_nobody_goes_while_a_page_is_under_way(gate: Gate) -> None:
    await gate.make_heavy("a")
    async with asyncio.TaskGroup() as group:
        with gate.way.held():
            group.create_task(gate.go("a"))
            await turns()
            turning = group.create_task(gate.turnstile.run())
            await turns()
            assert gate.passed == []
        while not gate.passed:
            await asyncio.sleep(0)
        turning.cancel()


async def test_a_sender_that_goes_away_leaves_its_place(gate: Gate) -> None:
    await gate.make_heavy("a")
    with gate.way.held():
        gone, stays = asyncio.ensure_future(gate.go("a")), asyncio.ensure_future(gate.go("a"))
        await turns()
        gone.cancel()
    turning = asyncio.ensure_future(gate.turnstile.run())
    await stays
    turning.cancel()
    assert gate.passed == ["a"]
    assert gate.turnstile.count == 0


async def test_a_turnstile_that_is_full_refuses(gate: Gate) -> None:
    await gate.make_heavy("a")
    gate.turnstile.count = WAITING_MAX
    with gate.way.held(), pytest.raises(Unavailable) as caught:
        await gate.go("a")
    assert caught.value.retry_after_s == 1
