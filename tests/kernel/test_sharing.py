"""Sharing: many small acts in few units, and nobody suffers for another's failure."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from kernel_world import bells, cast, make_bells, rows, units_of

from tocsin.kernel.db import Database
from tocsin.kernel.ids import uuid7
from tocsin.kernel.sharing import HANDS, TOGETHER_MAX, Sharing
from tocsin.kernel.unit import Unit

pytestmark = pytest.mark.db

COUNT = 3 * TOGETHER_MAX
UNITS = "SELECT count(DISTINCT xmin::text)::int FROM public.bells"


def casting(name: str) -> Callable[[Unit], Awaitable[None]]:
    async def act(unit: Unit) -> None:
        await cast(unit, name)

    return act


async def test_acts_that_wait_at_once_share_units(database: Database) -> None:
    await make_bells(database)
    sharing = Sharing(units_of(database))
    names = [f"b{n:02d}" for n in range(COUNT)]
    await asyncio.gather(*(sharing.run(uuid7(), casting(name)) for name in names))
    assert sorted(await bells(database)) == names
    (units,) = (await rows(database, UNITS))[0]
    assert units <= HANDS + COUNT // TOGETHER_MAX


async def test_who_fails_hears_of_it_alone_and_leaves_nothing(database: Database) -> None:
    await make_bells(database)
    sharing = Sharing(units_of(database))

    async def broken(unit: Unit) -> None:
        await cast(unit, "half")
        raise ValueError("cracked")

    acts = [casting("one"), broken, casting("two"), broken, casting("three")]
    ended = await asyncio.gather(
        *(sharing.run(uuid7(), act) for act in acts), return_exceptions=True
    )
    assert [str(one) if one else "" for one in ended] == ["", "cracked", "", "cracked", ""]
    assert sorted(await bells(database)) == ["one", "three", "two"]


async def test_acts_that_share_go_in_the_order_of_what_they_lock(database: Database) -> None:
    await make_bells(database)
    sharing, order = Sharing(units_of(database)), []
    held = asyncio.Event()

    async def wait(unit: Unit) -> None:
        await held.wait()

    def noting(key: UUID) -> Callable[[Unit], Awaitable[None]]:
        async def act(unit: Unit) -> None:
            order.append(key)

        return act

    holding = [asyncio.ensure_future(sharing.run(uuid7(), wait)) for _ in range(HANDS)]
    await asyncio.sleep(0)
    keys = [uuid7() for _ in range(TOGETHER_MAX)]
    others = [asyncio.ensure_future(sharing.run(key, noting(key))) for key in reversed(keys)]
    await asyncio.sleep(0)
    held.set()
    await asyncio.gather(*holding, *others)
    assert order == keys


async def test_one_that_gives_up_takes_nobody_along(database: Database) -> None:
    await make_bells(database)
    sharing = Sharing(units_of(database))
    tasks = [
        asyncio.ensure_future(sharing.run(uuid7(), casting(f"b{n}"))) for n in range(COUNT)
    ]
    await asyncio.sleep(0)
    tasks[-1].cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [one for one in ended if one is not None and one is not ended[-1]] == []
    assert len(await bells(database)) in {COUNT - 1, COUNT}


async def test_who_leads_and_is_cancelled_takes_nobody_along(database: Database) -> None:
    await make_bells(database)
    sharing, held, leads = Sharing(units_of(database)), asyncio.Event(), asyncio.Event()

    async def wait(_unit: Unit) -> None:
        await held.wait()

    async def stay(_unit: Unit) -> None:
        leads.set()
        await asyncio.Event().wait()

    first = [asyncio.ensure_future(sharing.run(uuid7(), wait)) for _ in range(HANDS)]
    await asyncio.sleep(0)
    leader = asyncio.ensure_future(sharing.run(uuid7(), stay))
    await asyncio.sleep(0)
    others = [asyncio.ensure_future(sharing.run(uuid7(), casting(name))) for name in "abc"]
    await asyncio.sleep(0)
    held.set()
    async with asyncio.timeout(5):
        await leads.wait()
        leader.cancel()
        await asyncio.gather(*first, *others)
    assert await bells(database) == ["a", "b", "c"]
    await sharing.run(uuid7(), casting("d"))  # no hand is lost


async def test_one_that_is_cancelled_before_its_turn_is_never_begun(database: Database) -> None:
    await make_bells(database)
    sharing, held = Sharing(units_of(database)), asyncio.Event()

    async def wait(_unit: Unit) -> None:
        await held.wait()

    first = [asyncio.ensure_future(sharing.run(uuid7(), wait)) for _ in range(HANDS)]
    await asyncio.sleep(0)
    one, other = (asyncio.ensure_future(sharing.run(uuid7(), casting(name))) for name in "ab")
    await asyncio.sleep(0)
    one.cancel()
    held.set()
    async with asyncio.timeout(5):
        await asyncio.gather(*first, other)
    assert await bells(database) == ["b"]


async def test_a_subject_that_is_locked_for_long_holds_up_only_its_own(
    database: Database,
) -> None:
    await make_bells(database)
    sharing = Sharing(units_of(database))
    async with database.connection() as conn, conn.transaction():
        await conn.execute("INSERT INTO public.bells VALUES ('taken')")
        held = [asyncio.ensure_future(sharing.run(uuid7(), casting("taken")))]
        await asyncio.sleep(0)
        held += [asyncio.ensure_future(sharing.run(uuid7(), casting("taken"))) for _ in "ab"]
        await asyncio.gather(*(sharing.run(uuid7(), casting(f"b{n}")) for n in range(4)))
        assert not any(one.done() for one in held)
    ended = await asyncio.gather(*held, return_exceptions=True)
    assert len(await bells(database)) == 5
    assert all(isinstance(one, Exception) for one in ended)
