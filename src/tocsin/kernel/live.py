"""Tells open screens *that* something moved: one LISTEN connection, one queue per client.

No content is pushed, so none can leak: the browser asks for the fragment again and the usual
permission check answers.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.generators import notifies

from tocsin.kernel.db import Database
from tocsin.kernel.logs import Log
from tocsin.kernel.sealer import CHANNEL

QUEUE_MAX = 256
REPLAY_MAX = 1000
QUIET_S = 15.0
log = Log("live")


class Moved(Struct, frozen=True):
    """Log record `seq` is about `incident_id` (None: about none) and is of this `kind`."""

    seq: int
    kind: str
    incident_id: UUID | None


class _Body(Struct):
    incident_id: UUID | None = None


class _Line(Struct):
    action: str
    body: _Body


async def since(conn: AsyncConnection[Any], seq: int) -> list[Moved]:
    """Return what has moved after `seq`, oldest first, at most REPLAY_MAX records."""
    cursor = await conn.execute(
        """
        SELECT seq, line
          FROM kernel.log
         WHERE seq > %(seq)s
         ORDER BY seq
         LIMIT %(limit)s
        """,
        {"seq": seq, "limit": REPLAY_MAX},
    )
    moved = []
    for found, text in await cursor.fetchall():
        line = msgspec.json.decode(text, type=_Line)
        moved.append(Moved(found, line.action, line.body.incident_id))
    return moved


async def last_seq(conn: AsyncConnection[Any]) -> int:
    """Return the newest sealed seq; -1 when the log is empty."""
    cursor = await conn.execute("SELECT size - 1 FROM kernel.log_head")
    row = await cursor.fetchone()
    return int(row[0]) if row else -1


class Hub:
    """The clients of this process."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._queues: set[asyncio.Queue[Moved | None]] = set()
        self._seq = -1
        self.connected = False
        self.closing = False

    @property
    def clients(self) -> int:
        """How many browsers are listening."""
        return len(self._queues)

    @contextmanager
    def subscribe(self) -> Iterator[asyncio.Queue[Moved | None]]:
        """Hand out a queue; None in it means: the stream ends now (stop, or too slow)."""
        queue: asyncio.Queue[Moved | None] = asyncio.Queue(QUEUE_MAX)
        if self.closing:
            queue.put_nowait(None)
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)

    def close(self) -> None:
        """End every open stream at once, so that the server can stop."""
        self.closing = True
        for queue in self._queues:
            _end(queue)

    def restart_streams(self) -> None:
        """End every open stream; the browsers come back and ask for everything again."""
        for queue in self._queues:
            _end(queue)

    async def run(self) -> None:
        """Listen until cancelled, and come back after every lost connection."""
        while True:
            try:
                await self._listen()
            except Exception as error:  # noqa: BLE001 - door: the live loop outlives the database
                log.warning("live.lost", error=f"{type(error).__name__}: {error}")
            self.connected = False
            await asyncio.sleep(0.5)

    async def _listen(self) -> None:
        conn = await self._db.listen(CHANNEL)
        try:
            async with self._db.connection() as pooled:
                newest = await last_seq(pooled)
            if self._seq < 0:
                self._seq = newest
            self.connected = True
            await self._catch_up()
            while True:
                # `conn.notifies()` would look ten times a second whether there is one
                await conn.wait(notifies(conn.pgconn), interval=QUIET_S)
                await self._catch_up()
        finally:
            await conn.close()

    async def _catch_up(self) -> None:
        while True:
            async with self._db.connection() as conn:
                moved = await since(conn, self._seq)
            self._tell(moved)
            if len(moved) < REPLAY_MAX:
                return

    def _tell(self, moved: Sequence[Moved]) -> None:
        for one in moved:
            self._seq = one.seq
            for queue in self._queues:
                if queue.full():
                    _end(queue)  # it reconnects and replays
                else:
                    queue.put_nowait(one)


def _end(queue: asyncio.Queue[Moved | None]) -> None:
    while not queue.empty():
        queue.get_nowait()
    queue.put_nowait(None)


async def stream(
    hub: Hub, db: Database, after_seq: int | None, *, quiet_s: float = QUIET_S
) -> AsyncIterator[Moved | None]:
    """Yield what moves; first what moved since `after_seq`. None is a ping after `quiet_s` of it.

    Subscribes before it replays, so that nothing falls between the two.
    """
    with hub.subscribe() as queue:
        sent = -1
        while after_seq is not None:
            async with db.connection() as conn:
                replay = await since(conn, after_seq)
            for one in replay:
                sent = one.seq
                yield one
            after_seq = sent if len(replay) == REPLAY_MAX else None
        while True:
            try:
                async with asyncio.timeout(quiet_s):
                    moved = await queue.get()
            except TimeoutError:
                yield None
                continue
            if moved is None:
                return
            if moved.seq > sent:
                yield moved
