"""The one module that asks what time it is."""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from psycopg import AsyncConnection

from tocsin.kernel.logs import Log

MAX_SKEW_S = 1.0
log = Log("clock")


class Clock(Protocol):
    """Says what time it is, as an aware UTC datetime."""

    def now(self) -> datetime:
        """Return the present instant."""
        ...


def elapsed_s() -> float:
    """Return seconds that nobody can set and that go on while the machine sleeps.

    Linux' monotonic clock stands still in suspend; where there is no other, so does this.
    """
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class DatabaseClock:
    """The database's clock, carried forward by this machine's own, which nobody can set.

    All nodes share one notion of now, and a stepped wall clock moves nothing. A machine that
    wakes up knows at once how long it slept.
    """

    def __init__(self, elapsed_s: Callable[[], float] = elapsed_s) -> None:
        self._elapsed_s = elapsed_s
        self._at = datetime.now(UTC)  # noqa: TID251 - the one place
        self._anchored_s = elapsed_s()
        self._is_anchored = False
        self.skew_s = 0.0  # database minus this machine's wall clock, seconds

    def now(self) -> datetime:
        """Return the database's time, as well as it is known."""
        return self._at + timedelta(seconds=self._elapsed_s() - self._anchored_s)

    async def anchor(self, conn: AsyncConnection[object]) -> None:
        """Ask the database for its time; half the round trip is the error bound."""
        before = self._elapsed_s()
        cursor = await conn.execute("SELECT clock_timestamp()")
        row = await cursor.fetchone()
        after = self._elapsed_s()
        if not isinstance(row, tuple) or not isinstance(row[0], datetime):
            raise TypeError(f"the database's clock answered {row!r}")
        told, carried = row[0] + timedelta(seconds=(after - before) / 2), self.now()
        small = timedelta(0) < carried - told < timedelta(seconds=MAX_SKEW_S)
        if (
            not small
            and self._is_anchored
            and abs(told - carried) > timedelta(seconds=MAX_SKEW_S)
        ):
            log.warning("clock.stepped", by_s=(told - carried).total_seconds())
        self._at = carried if small else told  # never back by the error of one measurement
        self._anchored_s, self._is_anchored = self._elapsed_s(), True
        wall = datetime.now(UTC)  # noqa: TID251 - the one place
        self.skew_s = (self._at - wall).total_seconds()


class FakeClock:
    """A clock that stands still until a test or the simulation moves it."""

    def __init__(self, at: datetime) -> None:
        self._at = at
        self.skew_s = 0.0

    def now(self) -> datetime:
        """Return the instant it was last moved to."""
        return self._at

    def forward(self, *, seconds: float = 0, minutes: float = 0, hours: float = 0) -> datetime:
        """Move on, and return the new now."""
        self._at += timedelta(seconds=seconds, minutes=minutes, hours=hours)
        return self._at

    async def anchor(self, conn: AsyncConnection[object]) -> None:
        """Stay as it is: a test's time is not the database's."""
