"""A process that can die at any border it passes: before, between and after its transactions."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection, OperationalError
from psycopg.rows import TupleRow
from typing_extensions import override

from tocsin.kernel.db import Database


class Crash(BaseException):
    """The process is gone from this instant on; no `except Exception` notices it."""


class Fuse:
    """Counts the borders that one process passes, and burns out at the one it was set for."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.left_to_loss: int | None = None  # borders to one at which the server hangs up
        self.died_at = ""
        self.losses = 0

    @property
    def is_dead(self) -> bool:
        """Whether the process has died."""
        return bool(self.died_at)

    def set(self, borders: int) -> None:
        """Let it burn out at the `borders`-th border from here."""
        self.left = borders

    def loses(self) -> bool:
        """Pass a border; True at the one at which the connection is lost."""
        if self.left_to_loss is None:
            return False
        self.left_to_loss -= 1
        if self.left_to_loss > 0:
            return False
        self.left_to_loss = None
        self.losses += 1
        return True

    def burn(self, border: str) -> None:
        """Pass a border. Raises Crash at the last one, and at every one after it."""
        if self.left is not None:
            self.left -= 1
            if self.left <= 0 and not self.died_at:
                self.died_at = border
        if self.died_at:
            raise Crash(self.died_at)


Hook = Callable[[], Awaitable[None]]


class CrashableDatabase(Database):
    """The real pool; what is done with its connections passes the borders of a fuse."""

    def __init__(self, conninfo: str, *, fuse: Fuse, committed: Hook, lost: Hook) -> None:
        super().__init__(conninfo, min_size=1, max_size=8)
        self._fuse = fuse
        self._committed = committed
        self._lost = lost

    @asynccontextmanager
    @override
    async def connection(self) -> AsyncIterator[AsyncConnection[TupleRow]]:
        """Lend a connection that dies with its process."""
        async with Database.connection(self) as lent:
            yield _Borders(lent, self._fuse, self._committed, self._lost)  # type: ignore[misc]


class _Borders:
    """A connection as its user sees it; the transaction's ends and lone statements are borders."""

    def __init__(
        self, conn: AsyncConnection[TupleRow], fuse: Fuse, committed: Hook, lost: Hook
    ) -> None:
        self._conn = conn
        self._fuse = fuse
        self._committed = committed
        self._lost = lost
        self._depth = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._conn, name)

    async def _pass(self, border: str) -> None:
        self._fuse.burn(border)
        if self._fuse.loses():
            await self._lost()
            raise OperationalError(f"the connection was lost {border}")

    async def execute(self, *args: Any, **kwargs: Any) -> Any:
        """Run one statement; outside a transaction it is one of its own."""
        if self._depth:
            if self._fuse.is_dead:
                raise Crash(self._fuse.died_at)
            return await self._conn.execute(*args, **kwargs)
        await self._pass("before a statement")
        cursor = await self._conn.execute(*args, **kwargs)
        await self._pass("after a statement")
        return cursor

    @asynccontextmanager
    async def cursor(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        """Lend a cursor; outside a transaction what it does is a border."""
        if not self._depth:
            await self._pass("before a statement")
        async with self._conn.cursor(*args, **kwargs) as cursor:
            yield cursor
        if not self._depth:
            await self._committed()
            await self._pass("after a statement")

    @asynccontextmanager
    async def transaction(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        """Open a transaction or a savepoint; the outer one has borders."""
        if not self._depth:
            await self._pass("before a transaction")
        self._depth += 1
        try:
            async with self._conn.transaction(*args, **kwargs) as transaction:
                yield transaction
                if self._depth == 1:
                    await self._pass("before the commit")
        finally:
            self._depth -= 1
        if not self._depth:
            await self._committed()
            await self._pass("after the commit")
