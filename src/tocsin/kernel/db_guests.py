"""A share of the pool for whoever must not take all of it: screens, the API, and token look-ups."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from typing_extensions import override

from tocsin.kernel.db import Database
from tocsin.kernel.errors import Unavailable

WAITING_PER_SLOT = 16
WAIT_LIMIT_S = 2.0


class Guests(Database):
    """The same database, of which at most `slots` connections are lent out at a time.

    What is left of the pool is for timers, messages, sorting and intake: a page never waits
    behind screens. Opening and closing is the host's.
    """

    def __init__(
        self,
        host: Database,
        *,
        slots: int,
        waiting_max: int | None = None,
        wait_limit_s: float = WAIT_LIMIT_S,
    ) -> None:
        # not the base's: there is one pool
        self._host = host
        self.conninfo = host.conninfo
        self.application_name = host.application_name
        self.on_error = host.on_error
        self._statement_limit_s = host._statement_limit_s  # noqa: SLF001 - of the same class
        self._pool = host._pool  # noqa: SLF001 - of the same class
        self._wait_limit_s = wait_limit_s
        self._slots = asyncio.Semaphore(slots)
        self._waiting = 0
        self._waiting_max = waiting_max or slots * WAITING_PER_SLOT

    @override
    async def open(self) -> None:
        """Do nothing: the host opens."""

    @override
    async def close(self) -> None:
        """Do nothing: the host closes."""

    @asynccontextmanager
    @override
    async def connection(self) -> AsyncIterator[AsyncConnection[TupleRow]]:
        """Lend one connection. Raises Unavailable when too many want one."""
        await self._take()
        try:
            async with self._host.connection() as lent:
                yield lent
        finally:
            self._slots.release()

    async def _take(self) -> None:
        if self._waiting >= self._waiting_max:
            raise Unavailable("too many requests want the database at once", retry_after_s=1)
        self._waiting += 1
        try:
            async with asyncio.timeout(self._wait_limit_s):
                await self._slots.acquire()
        except TimeoutError:
            raise Unavailable(
                f"the database had no time for this within {self._wait_limit_s:.0f} s",
                retry_after_s=2,
            ) from None
        finally:
            self._waiting -= 1
