"""What can be asked of intake: keep a request, and hand on what is not sorted yet."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import date, datetime

from tocsin.kernel.access import decide
from tocsin.kernel.actor import Actor
from tocsin.kernel.clock import Clock
from tocsin.kernel.db import Database
from tocsin.kernel.errors import Forbidden, Unavailable
from tocsin.kernel.ids import uuid7
from tocsin.kernel.unit import Unit
from tocsin.signals import store
from tocsin.signals.events import SignalUnsortable
from tocsin.signals.model import Receipt, Slice

QUEUE_MAX = 20_000  # receipts waiting for a commit; above it intake answers 503
QUEUE_BYTES_MAX = 64 * 1024 * 1024
BUSY_REQUESTS = 6  # requests that met in one commit
BUSY_FOR_S = 0.05
PACE_MAX_S = 0.5


class Pace:
    """How fast intake may go while sorting is behind: slowed, and never stopped."""

    def __init__(self) -> None:
        self._left: int | None = None  # receipts that may still be kept; None: any number
        self._moved = asyncio.Event()
        self.is_held = False  # somebody waits for `allow`

    def allow(self, receipts: int) -> None:
        """Let so many receipts be kept until the next call; what was too many before counts."""
        self._left = receipts + min(0, self._left or 0)
        self._moved.set()

    def free(self) -> None:
        """Let any number be kept."""
        self._left = None
        self._moved.set()

    async def take(self, receipts: int) -> None:
        """Wait until receipts may be kept, at most PACE_MAX_S: who set the pace may be gone."""
        if self._is_spent():
            await self._hold()
        if self._left is not None:
            self._left -= receipts

    async def _hold(self) -> None:
        self.is_held = True
        try:
            async with asyncio.timeout(PACE_MAX_S):
                while self._is_spent():
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            self.free()
        finally:
            self.is_held = False

    def _is_spent(self) -> bool:
        return self._left is not None and self._left <= 0


class Intake:
    """Keeps requests by group commit: many of them in one transaction, each answered after it."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._queue: list[Receipt] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._wake = asyncio.Event()
        self._bytes = 0  # in the queue
        self.on_kept: list[Callable[[], None]] = []
        self.blocked: str = ""  # why intake takes nothing now; set by the pressure loop
        self._busy_until = 0.0  # loop time
        self.pace = Pace()

    def require(self, actor: Actor) -> None:
        """Refuse whoever may not send signals. Raises Forbidden."""
        if not decide(actor.role, "signal:accept"):
            raise Forbidden(f"{actor.name} ({actor.role}) may not signal:accept")

    async def accept(self, actor: Actor, form: str, slices: Sequence[Slice]) -> None:
        """Return once `slices` are on disk. Raises Unavailable when they may not be."""
        if self.blocked or len(self._queue) > QUEUE_MAX or self._bytes > QUEUE_BYTES_MAX:
            raise Unavailable(self.blocked or "intake is full", retry_after_s=1)
        now = self._clock.now()
        for part in slices:
            self._queue.append(
                Receipt(uuid7(), part.lane, now, actor.id, actor.name, form, part.body)
            )
            self._bytes += len(part.body)
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._wake.set()
        await waiter

    def is_busy(self) -> bool:
        """Say whether requests come faster than commits: whoever can wait had better."""
        return self.pace.is_held or asyncio.get_running_loop().time() < self._busy_until

    async def run(self) -> None:
        """Commit group after group until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                await self.pace.take(len(self._queue))
                await self._commit()

    async def _commit(self) -> None:
        receipts, self._queue, self._bytes = self._queue, [], 0
        waiters, self._waiters = self._waiters, []
        if len(waiters) >= BUSY_REQUESTS:
            self._busy_until = asyncio.get_running_loop().time() + BUSY_FOR_S
        try:
            async with asyncio.timeout(10), self._db.connection() as conn:
                await store.keep(conn, receipts)
        except Exception as error:  # noqa: BLE001 - door: each waiting request gets its answer
            refusal = Unavailable(f"not kept, send it again: {type(error).__name__}")
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_exception(refusal)
            return
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
        for hint in self.on_kept:
            hint()


async def take(unit: Unit, *, lanes: int, limit: int) -> list[Receipt]:
    """Move the oldest unsorted receipts of free lanes out of the inbox, into this unit."""
    unit.require("alert:sort")
    receipts = await store.take(unit.conn, lanes=lanes, limit=limit)
    if receipts:
        await store.archive(unit.conn, receipts)
    return receipts


async def set_aside(unit: Unit, receipt: Receipt, error: str) -> None:
    """Put away a receipt that cannot be sorted, and say so; one that is gone meanwhile is not ours."""
    unit.require("alert:sort")
    if not await store.remove(unit.conn, receipt):
        return
    await store.set_aside(unit.conn, receipt, error)
    unit.record(
        SignalUnsortable(
            receipt_id=receipt.id, integration=receipt.integration, format=receipt.format
        )
    )


async def keep_partitions(
    db: Database, *, now: datetime, retention_days: int, ahead: Sequence[date]
) -> None:
    """Make the partitions of the days `ahead` and drop those that are past retention."""
    async with db.connection() as conn:
        present = await store.partitions(conn)
        for day in ahead:
            if day not in present:
                await store.add_partition(conn, day)
        old = [day for day in present if (now.date() - day).days > retention_days]
        await store.drop_partitions(conn, old)
