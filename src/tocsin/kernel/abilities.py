"""What each live process is able to do, so that none fails at what another one can do.

Processes of one database may have different settings. Each holds a shared advisory lock a word on a
connection of its own, which goes with it; and says something on it, for one that is stopped keeps
its locks.
"""

from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

import psycopg
from psycopg import AsyncConnection

from tocsin.kernel.db import Database
from tocsin.kernel.unit import Unit

SPACE = 0x70C53  # of advisory locks: the words follow
BEAT_S = 3.0
SILENT_S = 10.0  # as long as a lease: who says nothing for that long has stopped
RESTART = timedelta(seconds=30)
"""For so long after it went a process is expected back, e.g. from an upgrade."""


class Abilities:
    """What this process can do of some words, and what others can."""

    def __init__(self, db: Database, words: Iterable[str], own: Collection[str]) -> None:
        self._db = db
        self._own = own
        self.silent_s = SILENT_S
        self._by_number = {_number(word): word for word in words}
        self._conn: AsyncConnection[Any] | None = None
        self._seen_at: dict[str, datetime] = {}  # when another process could last

    async def beat(self, now: datetime) -> float:
        """Say that this process is alive, and look who else is; return when to do so again, in s."""
        try:
            conn = self._conn or await self._announce()
            await self._look(conn, now)
        except BaseException:
            await self.close()
            raise
        return BEAT_S

    async def elsewhere(self, unit: Unit, word: str) -> bool:
        """Say whether another process can do `word`, or could until RESTART ago."""
        if not self._is_fresh(word, unit.now):
            await self._look(unit.conn, unit.now)
        return self._is_fresh(word, unit.now)

    async def close(self) -> None:
        """Be able to do nothing any more."""
        conn, self._conn = self._conn, None
        if conn is not None:
            with suppress(psycopg.Error):
                await conn.close()

    def _is_fresh(self, word: str, now: datetime) -> bool:
        seen_at = self._seen_at.get(word)
        return seen_at is not None and now - seen_at < RESTART

    async def _announce(self) -> AsyncConnection[Any]:
        self._conn = conn = await self._db.single("abilities")
        for number, word in self._by_number.items():
            if word in self._own:
                await conn.execute(
                    "SELECT pg_advisory_lock_shared(%(space)s, %(number)s)",
                    {"space": SPACE, "number": number},
                )
        return conn

    async def _look(self, conn: AsyncConnection[Any], now: datetime) -> None:
        cursor = await conn.execute(
            """
            SELECT DISTINCT l.objid::bigint
              FROM pg_locks l
              JOIN pg_stat_activity a USING (pid)
             WHERE l.locktype = 'advisory' AND l.classid = %(space)s AND l.objsubid = 2
               AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
               AND a.state_change > clock_timestamp() - make_interval(secs => %(silent)s)
            """,
            {"space": SPACE, "silent": self.silent_s},
        )
        for (number,) in await cursor.fetchall():
            word = self._by_number.get(number)
            if word is not None and word not in self._own:
                self._seen_at[word] = now


def _number(word: str) -> int:
    return crc32(word.encode()) & 0x7FFF_FFFF
