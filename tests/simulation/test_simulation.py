"""Random days keep every promise, and no mutant of Tocsin lives through a few of them."""

from time import perf_counter

import pytest
from day import Day
from day_plan import live

pytestmark = [pytest.mark.db, pytest.mark.slow]


@pytest.mark.parametrize("seed", range(20))
async def test_a_random_day_keeps_every_promise(dsn: str, seed: int) -> None:
    day = Day(dsn, seed)
    t=perf_counter()
    await live(day)
    print(seed, perf_counter()-t, day.figures())


from day_mutants import MUTANTS


@pytest.mark.parametrize("name", MUTANTS)
@pytest.mark.parametrize("seed", range(100, 108))
async def test_mutant(dsn: str, seed: int, name: str) -> None:
    day = Day(dsn, seed, MUTANTS[name])
    t = perf_counter()
    with MUTANTS[name].swapped():
        try:
            await live(day)
        except BaseException as e:
            print("CAUGHT", name, seed, perf_counter()-t, type(e).__name__, str(e)[:150], day.counts["stops"])
        else:
            print("MISSED", name, seed, perf_counter()-t)
