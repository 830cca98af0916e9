"""The one module that asks what time it is."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from psycopg import AsyncConnection

MAX_SKEW_S = 1.0


class Clock(Protocol):
    """Says what time it is, as an aware UTC datetime."""

    def now(self) -> datetime:
        """Return the present instant."""
        ...


class DatabaseClock:
    """The database's clock, carried forward by this machine's monotonic one.

    All nodes share one notion of now, and a stepped wall clock moves nothing.
    """

    def __init__(self) -> None:
        self._at = datetime.now(UTC)  # noqa: TID251 - the one place
        self._monotonic = time.monotonic()
        self.skew_s = 0.0  # database minus this machine's wall clock, seconds

    def now(self) -> datetime:
        """Return the database's time, as well as it is known."""
        return self._at + timedelta(seconds=time.monotonic() - self._monotonic)

    async def anchor(self, conn: AsyncConnection[object]) -> None:
        """Ask the database for its time; half the round trip is the error bound."""
        before = time.monotonic()
        cursor = await conn.execute("SELECT clock_timestamp()")
        row = await cursor.fetchone()
        after = time.monotonic()
        if not isinstance(row, tuple) or not isinstance(row[0], datetime):
            raise TypeError(f"the database's clock answered {row!r}")
        self._at = row[0] + timedelta(seconds=(after - before) / 2)
        self._monotonic = after
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
