"""Random days keep every promise, and no mutant of Tocsin lives through a few of them."""

import asyncio
from collections.abc import Callable

import pytest
from day import Day
from day_ledger import Ledger
from day_mutants import HARMLESS, MUTANTS, Mutant
from day_plan import live
from day_promises import BrokenPromise

pytestmark = [pytest.mark.db, pytest.mark.slow]

CHANCES = 20
"""Days within which a mutant must be caught; about every second day catches it."""


async def test_random_days_keep_every_promise(
    new_dsn: Callable[[], str], seeds: tuple[int, ...], ledger: Ledger
) -> None:
    days = [Day(new_dsn(), seed) for seed in seeds]
    async with asyncio.TaskGroup() as group:  # one computes while the other asks its database
        for day in days:
            group.create_task(live(day))
    for day in days:
        ledger.add_day(day.figures())


async def test_the_key_folds_what_is_ordered_twice(dsn: str) -> None:
    day = Day(dsn, 1, HARMLESS)
    with HARMLESS.swapped():
        await live(day)
    assert day.counts["sends"]


@pytest.mark.parametrize("name", MUTANTS)
async def test_a_mutant_is_caught_within_a_few_days(
    new_dsn: Callable[[], str], name: str, life: int, ledger: Ledger
) -> None:
    first = 1000 * life
    for days in range(1, CHANCES + 1):
        broken = await what_breaks(new_dsn(), first + days, MUTANTS[name])
        if broken is not None:
            ledger.add_mutant(name, days, broken)
            return
    pytest.fail(f"{MUTANTS[name].why}: nobody noticed on {CHANCES} days from seed {first + 1}")


async def what_breaks(conninfo: str, seed: int, mutant: Mutant) -> str | None:
    """Live through a day of a mutant; return the first promise that it breaks."""
    with mutant.swapped():
        try:
            await live(Day(conninfo, seed, mutant))
        except BrokenPromise as broken:
            return str(broken)
    return None
