"""Clocks: the database's time, carried forward by a clock that nobody can set."""

from datetime import UTC, timedelta

import pytest
from kernel_world import NOON, rows

from tocsin.kernel.clock import DatabaseClock, FakeClock
from tocsin.kernel.db import Database


class Server:
    """A connection to a database whose clock is wrong by `off_s`."""

    def __init__(self, row: object) -> None:
        self._row = row

    async def execute(self, _query: str) -> "Server":
        return self

    async def fetchone(self) -> object:
        return self._row


async def test_an_anchored_clock_follows_the_database_however_wrong_this_machine_is() -> None:
    clock = DatabaseClock()
    at = clock.now() + timedelta(hours=3)
    await clock.anchor(Server((at,)))  # type: ignore[arg-type]
    assert timedelta() <= clock.now() - at < timedelta(seconds=5)
    assert clock.skew_s == pytest.approx(3 * 3600, abs=5)
    assert clock.now().tzinfo is UTC


async def test_a_machine_that_wakes_up_knows_at_once_how_long_it_slept() -> None:
    since_boot = [1000.0]
    clock = DatabaseClock(lambda: since_boot[0])
    before = clock.now()
    await clock.anchor(Server((before,)))  # type: ignore[arg-type]
    since_boot[0] += 8 * 3600  # the lid was closed; nobody has asked the database since
    assert clock.now() - before == timedelta(hours=8)


async def test_a_clock_never_goes_back_between_two_looks() -> None:
    clock = DatabaseClock()
    seen = [clock.now() for _ in range(1000)]
    assert seen == sorted(seen)


async def test_an_answer_that_is_no_instant_is_a_bug() -> None:
    for row in (None, ("noon",), [NOON]):
        with pytest.raises(TypeError, match="clock"):
            await DatabaseClock().anchor(Server(row))  # type: ignore[arg-type]


@pytest.mark.db
async def test_the_database_s_own_clock_is_the_anchor(database: Database) -> None:
    clock = DatabaseClock()
    async with database.connection() as conn:
        await clock.anchor(conn)
    [(at,)] = await rows(database, "SELECT clock_timestamp()")
    assert abs(clock.now() - at) < timedelta(seconds=5)
    assert abs(clock.skew_s) < 1


async def test_a_fake_clock_stands_until_it_is_moved() -> None:
    clock = FakeClock(NOON)
    assert clock.now() == clock.now() == NOON
    assert clock.forward(minutes=1, seconds=1, hours=1) == NOON + timedelta(seconds=3661)
    await clock.anchor(Server(None))  # type: ignore[arg-type]
    assert clock.now() == NOON + timedelta(seconds=3661)
