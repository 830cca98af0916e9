"""Right of way: others wait while it is held, and never for longer than they said."""

import asyncio

from tocsin.kernel import right_of_way
from tocsin.kernel.right_of_way import RightOfWay


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_others_wait_until_the_last_holder_is_done() -> None:
    way = RightOfWay()
    await way.give(60)
    with way.held():
        with way.held():
            other = asyncio.ensure_future(way.give(60))
            await turns()
        await turns()
        assert not other.done()
        assert way.is_held
    await other
    assert not way.is_held


async def test_who_waits_goes_on_after_the_time_it_gave() -> None:
    way = RightOfWay()
    with way.held():
        await way.give(0.001)
        assert way.is_held


async def test_who_holds_it_too_long_loses_it() -> None:
    """A provider that takes seconds to answer is nothing that others must wait for."""
    way = RightOfWay()
    began_s = asyncio.get_running_loop().time()
    with way.held():
        await way.give(60)
        assert not way.is_held
        with way.held():
            assert way.is_held
    assert asyncio.get_running_loop().time() - began_s >= right_of_way.HELD_MAX_S / 2


async def test_it_lingers_until_what_follows_has_begun() -> None:
    way = RightOfWay()
    way.linger(0.001)
    assert way.is_held
    await way.give(60)
    assert not way.is_held
