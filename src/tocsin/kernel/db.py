"""Connections to PostgreSQL: the pool, single ones, and which failures pass by themselves.

Every connection is in autocommit: one SELECT costs one round trip, and a transaction is what
the caller opens with `async with connection.transaction()`. No SQL of the product lives here.
"""

import asyncio
import select
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, LiteralString, Self

import msgspec
import psycopg
from psycopg import AsyncConnection, Connection, sql
from psycopg.rows import TupleRow
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolClosed
from typing_extensions import override

from tocsin.kernel.errors import Invalid, Unavailable

OLDEST_MAJOR = 15
"""The statements are written for, and tested on, this version and newer ones."""

_TRANSIENT = frozenset({
    "25006",  # read_only_sql_transaction: we are on a standby, a failover is under way
    "25P03",  # idle_in_transaction_session_timeout
    "53100",  # disk_full
    "53200",  # out_of_memory
    "55P03",  # lock_not_available
    "57014",  # query_canceled: statement_timeout
    "58030",  # io_error
    "40001",  # serialization_failure
    "40P01",  # deadlock_detected
    "53300",  # too_many_connections
    "57P01",  # admin_shutdown
    "57P02",  # crash_shutdown
    "57P03",  # cannot_connect_now: starting, stopping or recovering
    "57P05",  # idle_session_timeout
})  # fmt: skip

_KEEPALIVE: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}

# Both ends let go of a connection whose other end is gone or says nothing, within a lease (10 s):
# what it held is another node's then. See `kernel/stalled.py` for what no timeout sees.
_SESSION: LiteralString = """
    SELECT set_config('TimeZone', 'UTC', false),
           set_config('jit', 'off', false),
           set_config('statement_timeout', %(statement_limit_ms)s, false),
           set_config('idle_in_transaction_session_timeout', '10000', false),
           set_config('tcp_keepalives_idle', '5', false),
           set_config('tcp_keepalives_interval', '2', false),
           set_config('tcp_keepalives_count', '3', false),
           set_config('tcp_user_timeout', '10000', false),
           set_config('client_connection_check_interval',
                      CASE WHEN version() ~* 'linux|darwin|bsd' THEN '2000' ELSE '0' END, false)
"""


def is_transient(error: BaseException) -> bool:
    """Say whether the same unit may succeed when run again: a lost race or a lost server.

    The answer to a COMMIT may be lost after it took effect: units that are run again carry
    the keys that make a repeat harmless.
    """
    if isinstance(error, PoolClosed) or not isinstance(error, psycopg.Error):
        return False
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError)
    return error.sqlstate in _TRANSIENT or error.sqlstate.startswith("08")


class Database:
    """A pool of configured connections to one database.

    A broken connection is noticed at check-out without a round trip and thrown away, so that
    after a restart of the server the next unit gets a fresh one. What was in flight fails with
    an error for which `is_transient` is true.
    """

    def __init__(
        self,
        conninfo: str,
        *,
        application_name: str = "tocsin",
        min_size: int = 2,
        max_size: int = 16,
        wait_limit_s: float = 10.0,
        statement_limit_s: float = 30.0,
    ) -> None:
        self.conninfo = conninfo
        self.application_name = application_name
        self.on_error: list[Callable[[psycopg.Error], None]] = []
        self._statement_limit_s = statement_limit_s
        self._wait_limit_s = wait_limit_s
        self._pool: AsyncConnectionPool[AsyncConnection[TupleRow]] = AsyncConnectionPool(
            conninfo,
            connection_class=_PatientConnection,
            kwargs=_KEEPALIVE | {"autocommit": True, "application_name": application_name},
            min_size=min_size,
            max_size=max_size,
            max_idle=300.0,
            configure=self._configure,
            open=False,
            name=application_name,
        )

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Prove the server with one connection, then fill the pool.

        Raises `Unavailable` where nothing answers and `Invalid` for a server that is too old.
        """
        try:
            first = await AsyncConnection.connect(self.conninfo, **_KEEPALIVE)
        except psycopg.OperationalError as error:
            raise Unavailable(f"PostgreSQL does not answer: {_first_line(error)}") from error
        async with first:
            _require_version(first.info.server_version)
        await self._pool.open(wait=True, timeout=self._wait_limit_s)

    async def close(self) -> None:
        """Close the pool within half a second; connections still out are closed on return."""
        await self._pool.close(timeout=0.5)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[TupleRow]]:
        """Lend one connection in autocommit; waits up to `wait_limit_s`, then `PoolTimeout`."""
        lent = await self._sound_connection()
        try:
            yield lent
        except psycopg.Error as error:
            for notice in self.on_error:
                notice(error)
            if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
                await lent.close()  # it may be the session that is, and no longer the server
            raise
        finally:
            await self._pool.putconn(lent)

    async def renew(self) -> None:
        """Open the pool's connections anew; those that are lent out are closed on return."""
        await self._pool.drain()

    async def single(self, purpose: str) -> AsyncConnection[TupleRow]:
        """Open one connection of its own, configured like the pool's; the caller closes it."""
        own = await AsyncConnection.connect(
            self.conninfo,
            autocommit=True,
            application_name=f"{self.application_name} {purpose}",
            **_KEEPALIVE,
        )
        try:
            await self._configure(own)
        except BaseException:
            await own.close()
            raise
        return own

    async def listen(self, channel: str) -> AsyncConnection[TupleRow]:
        """Open a connection of its own, outside the pool, that listens on `channel`.

        The caller closes it and waits on it for notifications, which a lost server
        ends with a transient error.
        """
        own = await self.single("listen")
        await own.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        return own

    def load(self) -> tuple[int, int]:
        """Return how many connections are lent out, and how many callers wait for one."""
        figures = self._pool.get_stats()
        lent_count = figures.get("pool_size", 0) - figures.get("pool_available", 0)
        return lent_count, figures.get("requests_waiting", 0)

    async def _sound_connection(self) -> AsyncConnection[TupleRow]:
        # The pool's own `check` sleeps a second and more after each broken connection; a
        # restart breaks all of them at once, and each is here dropped in microseconds.
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + self._wait_limit_s
        cancel_count = _cancel_count()
        while True:
            candidate = await self._pool.getconn(timeout=max(give_up_at - loop.time(), 0.0))
            if _cancel_count() > cancel_count:
                # Python 3.11's wait_for, in the pool, swallows it at the moment of success
                await self._pool.putconn(candidate)
                raise asyncio.CancelledError
            if not _is_broken(candidate):
                return candidate
            await candidate.close()
            await self._pool.putconn(candidate)

    async def _configure(self, connection: AsyncConnection[TupleRow]) -> None:
        _adapt(connection)
        limit_ms = str(round(self._statement_limit_s * 1000))
        await connection.execute(_SESSION, {"statement_limit_ms": limit_ms})


def connect(
    conninfo: str, *, application_name: str = "tocsin", statement_limit_s: float = 30.0
) -> Connection[TupleRow]:
    """Open one blocking connection in autocommit, configured like the pool's.

    Raises `Unavailable` where nothing answers and `Invalid` for a server that is too old.
    """
    try:
        opened = psycopg.connect(
            conninfo, autocommit=True, application_name=application_name, **_KEEPALIVE
        )
    except psycopg.OperationalError as error:
        raise Unavailable(f"PostgreSQL does not answer: {_first_line(error)}") from error
    try:
        _require_version(opened.info.server_version)
        _adapt(opened)
        limit_ms = str(round(statement_limit_s * 1000))
        opened.execute(_SESSION, {"statement_limit_ms": limit_ms})
    except BaseException:
        opened.close()
        raise
    return opened


class _PatientConnection(AsyncConnection[TupleRow]):
    """A connection that is asked for again and again while the server comes back.

    The pool alone waits 1, 2, 4, ... seconds between attempts; a killed embedded server is back
    after a quarter of a second.
    """

    @classmethod
    @override
    async def connect(cls, conninfo: str = "", **kwargs: Any) -> "_PatientConnection":
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + 20.0
        pause_s = 0.025
        while True:
            try:
                return await super().connect(conninfo, **kwargs)
            except psycopg.OperationalError:
                if loop.time() > give_up_at:
                    raise
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, 0.5)


def _adapt(connection: AsyncConnection[TupleRow] | Connection[TupleRow]) -> None:
    set_json_dumps(msgspec.json.encode, connection)
    set_json_loads(msgspec.json.decode, connection)


def _cancel_count() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0


def _is_broken(connection: AsyncConnection[TupleRow]) -> bool:
    """Look whether the server has hung up, without asking it anything."""
    if connection.closed:
        return True
    unread = select.poll()
    unread.register(connection.fileno(), select.POLLIN)
    for _ in range(4):  # a farewell message comes before the end of the stream
        if not unread.poll(0):
            return False
        try:
            connection.pgconn.consume_input()
        except psycopg.OperationalError:
            return True
    return True


def _require_version(version: int) -> None:
    major, minor = divmod(version, 10_000)
    if major < OLDEST_MAJOR:
        raise Invalid(
            f"TOCSIN_DATABASE_URL leads to PostgreSQL {major}.{minor}; "
            f"Tocsin needs {OLDEST_MAJOR} or newer.",
            field="TOCSIN_DATABASE_URL",
        )


def _first_line(error: psycopg.Error) -> str:
    return str(error).strip().partition("\n")[0]
