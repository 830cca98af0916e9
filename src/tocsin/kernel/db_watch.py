"""Looks after PostgreSQL from one connection of its own: how it is, and since when.

Screens, readiness and intake ask here and get an answer at once, where a unit would wait for a
connection first. What a unit runs into is noticed here too.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from tocsin.kernel.clock import Clock
from tocsin.kernel.db import Database
from tocsin.kernel.db_trouble import WORDS, Trouble, trouble_in, trouble_of
from tocsin.kernel.errors import Unavailable
from tocsin.kernel.logs import Log

POLL_S = 1.0
TROUBLED_POLL_S = 0.1
LOOK_LIMIT_S = 3.0
SLOW_S = 0.5  # a round trip, three times in a row
SLOW_LOOKS = 3
UNANSWERED_LOOKS = 2
FRESH_S = POLL_S + 2 * LOOK_LIMIT_S
FULL_FOR_S = 5.0  # after the last write that found no room
RETRY_S = 2
BRIEF_S = 2.0  # a restart may be over before anybody must be refused
SILENT = (Trouble.UNREACHABLE, Trouble.STARTING, Trouble.REFUSED)
NOTICED = (Trouble.READ_ONLY, Trouble.FULL)  # what only a write finds out
log = Log("database")


class DatabaseWatch:
    """One per process."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.db = db
        self._clock = clock
        self._conn: AsyncConnection[TupleRow] | None = None
        self._slow_looks = self._unanswered = 0
        self._since_s = 0.0  # monotonic
        self._full_at = self._looked_at = -FRESH_S  # monotonic
        self._wake = asyncio.Event()
        self.round_trip_s = 0.0
        self.trouble: Trouble | None = None
        self.since: datetime | None = None
        self.explain: Callable[[], str] = str  # what whoever starts the server knows
        self.on_outage: list[Callable[[], None]] = []  # one began, or ended
        db.on_error.append(self.notice)

    @property
    def outage(self) -> Trouble | None:
        """The trouble in which nothing can be kept."""
        return None if self.trouble is Trouble.SLOW else self.trouble

    @property
    def words(self) -> str:
        """Say the trouble in a sentence, "" for none."""
        if self.trouble is None:
            return ""
        if self.trouble is Trouble.SLOW:
            return f"{WORDS[self.trouble]} ({self.round_trip_s * 1000:.0f} ms for one question)"
        since = f" (since {self.since:%H:%M:%S} UTC)" if self.since else ""
        return WORDS[self.trouble] + since

    @property
    def banner(self) -> str:
        """Say it on every screen, "" for none."""
        return self.words[:1].upper() + self.words[1:]

    def require(self) -> None:
        """Refuse at once what would wait for a connection in vain. Raises Unavailable."""
        if self.trouble in SILENT and time.monotonic() - self._since_s > BRIEF_S:
            raise Unavailable(self.words, retry_after_s=RETRY_S)

    def notice(self, error: psycopg.Error) -> None:
        """Take in what somebody else ran into."""
        found = trouble_of(error)
        if found is Trouble.FULL:
            self._full_at = time.monotonic()
        if found in NOTICED:
            self._set(found)
        elif found is not None:
            self._wake.set()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            self._wake.clear()
            try:
                async with asyncio.timeout(POLL_S if self.outage is None else TROUBLED_POLL_S):
                    await self._wake.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(TROUBLED_POLL_S)  # an error comes seldom alone

    async def fresh(self) -> Trouble | None:
        """Return the trouble as of a moment ago, also where nothing looks all the time."""
        if time.monotonic() - self._looked_at > FRESH_S:
            await self.look()
        return Trouble.UNREACHABLE if self._unanswered else self.trouble

    async def close(self) -> None:
        """Let the connection go."""
        await self._drop()

    async def look(self) -> None:
        """Ask once, and set the state."""
        try:
            found = await self._ask_in_time()
        except TimeoutError:
            await self._drop()
            self._unanswered += 1
            if self._unanswered < UNANSWERED_LOOKS:  # this process may have been busy itself
                return
            found = Trouble.UNREACHABLE
        except Exception as error:  # noqa: BLE001 - door: whatever it is, the database did not answer
            found = trouble_in(self.explain()) or trouble_of(error) or Trouble.UNREACHABLE
            await self._drop()
        else:
            self._unanswered = 0
        if self.trouble is Trouble.READ_ONLY and found is None:
            await self.db.renew()  # sessions opened meanwhile may still be read-only
        self._set(found)
        self._looked_at = time.monotonic()

    async def _ask_in_time(self) -> Trouble | None:
        """Ask, or raise TimeoutError after LOOK_LIMIT_S.

        Not by `asyncio.timeout`: psycopg answers a cancellation by asking the server to cancel,
        for five seconds where the server is cut off.
        """
        asking = asyncio.ensure_future(self._ask())
        try:
            done, _ = await asyncio.wait({asking}, timeout=LOOK_LIMIT_S)
        except asyncio.CancelledError:
            asking.cancel()
            raise
        if not done:
            if self._conn is not None:
                self._conn.pgconn.finish()
            asking.cancel()
            raise TimeoutError
        return asking.result()

    async def _ask(self) -> Trouble | None:
        if self.trouble is Trouble.READ_ONLY:
            await self._drop()  # what counts is what a new session sees
        conn = self._conn
        if conn is None or conn.closed:
            conn = self._conn = await self.db.single("watch")
        began_s = time.monotonic()
        cursor = await conn.execute(
            "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on'"
        )
        is_read_only = await cursor.fetchone()
        self.round_trip_s = time.monotonic() - began_s
        if is_read_only == (True,):
            return Trouble.READ_ONLY
        if self.trouble is Trouble.FULL and not await self._has_room(conn):
            return Trouble.FULL
        slow = self.round_trip_s > SLOW_S
        self._slow_looks = self._slow_looks + 1 if slow else 0
        return Trouble.SLOW if self._slow_looks >= SLOW_LOOKS else None

    async def _has_room(self, conn: AsyncConnection[TupleRow]) -> bool:
        """Try to write a megabyte, which is thrown away."""
        if time.monotonic() - self._full_at < FULL_FOR_S:
            return False
        try:
            async with conn.transaction(force_rollback=True):
                await conn.execute("CREATE TEMP TABLE tocsin_room (filler text)")
                await conn.execute(
                    """
                    INSERT INTO pg_temp.tocsin_room (filler)
                    SELECT repeat(md5(n::text), 60) FROM generate_series(1, 500) AS n
                    """
                )
        except psycopg.Error as error:
            if trouble_of(error) is not Trouble.FULL:
                raise
            return False
        return True

    async def _drop(self) -> None:
        if self._conn is not None:
            conn, self._conn = self._conn, None
            await conn.close()

    def _set(self, found: Trouble | None) -> None:
        if found is self.trouble:
            return
        if found is not None:
            log.warning("database.trouble", state=found.code)
        else:
            log.info("database.well", after=self.trouble and self.trouble.code)
        was_out = self.outage is not None
        # a passage from one trouble to another is the same outage
        if found is None or self.trouble in (None, Trouble.SLOW):
            self.since = None if found is None else self._clock.now()
            self._since_s = time.monotonic()
        self.trouble = found
        if was_out != (self.outage is not None):
            for hint in self.on_outage:
                hint()
