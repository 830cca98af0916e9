"""Guests of the pool: screens may use up their share, and nobody else's."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from tocsin.kernel.db import Database
from tocsin.kernel.db_guests import WAITING_PER_SLOT, Guests
from tocsin.kernel.errors import Unavailable

pytestmark = pytest.mark.db


async def test_guests_that_have_all_of_their_share_leave_the_rest_to_the_host(
    database: Database,
) -> None:
    guests = Guests(database, slots=2, wait_limit_s=0.01)
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(guests.connection())
        with pytest.raises(Unavailable, match="had no time") as caught:
            await stack.enter_async_context(guests.connection())
        assert caught.value.retry_after_s == 2
        async with database.connection() as conn:
            assert await (await conn.execute("SELECT 1")).fetchone() == (1,)
    async with guests.connection() as conn:  # given back, it can be had again
        assert await (await conn.execute("SELECT 1")).fetchone() == (1,)


async def test_a_queue_of_guests_is_bounded_and_refuses_at_once(database: Database) -> None:
    guests = Guests(database, slots=1, wait_limit_s=60)
    async with guests.connection():
        waiting = [asyncio.ensure_future(guests._take()) for _ in range(WAITING_PER_SLOT)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="at once"):
            await guests._take()
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    async with guests.connection():
        assert guests._waiting == 0


async def test_one_that_fails_gives_its_place_back(database: Database) -> None:
    guests = Guests(database, slots=1, wait_limit_s=0.05)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            async with guests.connection():
                raise ZeroDivisionError
