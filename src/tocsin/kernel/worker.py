"""Runs due jobs: timers inside units, errands between them, under a lease with a heartbeat."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from tocsin.kernel import job_queue
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.clock import Clock
from tocsin.kernel.errand import STOPPING_S, Errand, LeaseLost
from tocsin.kernel.errors import Unavailable
from tocsin.kernel.ids import uuid7
from tocsin.kernel.jobs import JobKinds, JobRow, Mode, backoff
from tocsin.kernel.logs import Log
from tocsin.kernel.right_of_way import RightOfWay
from tocsin.kernel.sharing import Sharing
from tocsin.kernel.unit import Unit
from tocsin.kernel.units import Units

ERRANDS_MAX = 32
ERRANDS_TOGETHER = 8  # that are looked for once so many hands are free, where more are due
TIMERS_MAX = 3
SHARING_MAX = 16
POLL_S = 1.0
FULL_POLL_S = 0.05  # where more is due than there are hands
HEARTBEAT_S = 3.0
LEFT_TO_OTHERS = timedelta(seconds=5)  # what was passed on, before it is looked at here again
GIVE_WAY_S = 0.2  # how long what can wait waits for pages at most
log = Log("worker")


def _tell_leased(rows: list[JobRow]) -> None:
    if rows and log.is_debug:
        log.debug("errands.leased", jobs=[f"{row.kind} {row.id}" for row in rows])


class Worker:
    """Runs this process's share of the jobs."""

    def __init__(
        self, units: Units, kinds: JobKinds, clock: Clock, way: RightOfWay | None = None
    ) -> None:
        self.id = uuid7()
        self.units = units
        self._sharing = Sharing(units)
        self._way = way or RightOfWay()
        self.kinds = kinds
        self.clock = clock
        self.failures = 0
        self.beat_at = clock.now()
        self.leisure_wake = asyncio.Event()
        self._wake = asyncio.Event()
        self._running: set[UUID] = set()
        self._passed_on: dict[UUID, datetime] = {}  # until when others are to take it
        self._is_full = False  # the last look found as much as there were hands, or more
        self._timers = 0
        self._alone = 0  # so many timers run alone: one of those that shared a unit has failed
        units.on_commit.append(self._hint)

    def _hint(self, unit: Unit) -> None:
        if unit.jobs:
            self._wake.set()

    def wake(self) -> None:
        """Look at once."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled; then give errands in flight back, under the same key."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._heartbeat())
            while True:
                self._wake.clear()
                try:
                    wait_s = await self._round(group.create_task)
                except Exception as error:  # noqa: BLE001 - door: the worker outlives any database outage
                    log.warning("worker.round_failed", error=f"{type(error).__name__}: {error}")
                    wait_s = POLL_S
                try:
                    async with asyncio.timeout(wait_s):
                        await self._wake.wait()
                except TimeoutError:
                    pass

    async def _round(self, spawn: Callable[..., object]) -> float:
        """Start what is due; return how long to wait for more, in seconds."""
        now = self.clock.now()
        async with self.units.db.connection() as conn:
            self.beat_at = now
            timer_at, errand_at, leisure_at = await job_queue.next_due(conn)
            if leisure_at is not None and leisure_at <= now:
                self.leisure_wake.set()
            due_at = min(filter(None, (timer_at, errand_at)), default=None)
            if due_at is None:
                return POLL_S
            if due_at > now:
                return min(POLL_S, (due_at - now).total_seconds())
            free = ERRANDS_MAX - len(self._running)
            rows = (
                await self._lease(conn, now, free)
                if free and errand_at is not None and errand_at <= now
                else []
            )
        _tell_leased(rows)
        for row in rows:
            # our own lease may have run out while no heartbeat got through; one is enough
            if row.id not in self._running:
                self._running.add(row.id)
                spawn(self._errand(row))
        if self._timers < TIMERS_MAX and timer_at is not None and timer_at <= now:
            self._timers += 1
            spawn(self._drain_timers())
        self._is_full = len(rows) == free and errand_at is not None and errand_at <= now
        if self._is_full:
            return FULL_POLL_S
        return 0.0 if rows else POLL_S

    async def _lease(
        self, conn: AsyncConnection[Any], now: datetime, limit: int
    ) -> list[JobRow]:
        self._passed_on = {job: until for job, until in self._passed_on.items() if until > now}
        return await job_queue.lease_errands(
            conn, now, worker=self.id, limit=limit, without=tuple(self._passed_on)
        )

    async def _drain_timers(self) -> None:
        ran = False
        try:
            with self._way.held():
                while await self._timer():
                    ran = True
        finally:
            self._timers -= 1
            if ran:  # one that another process holds stays due: looking at once would spin
                self._wake.set()

    async def at_leisure(self) -> bool:
        """Run one thing that could wait, and gives way to all else; False when there is none."""
        await self._way.give(GIVE_WAY_S)
        return await self._timer("leisure")

    async def _timer(self, mode: Mode = "timer") -> bool:
        """Run one due timer in one unit, or some that share it; False when none is due.

        If one fails that runs alone, it is put off. Of those that shared nobody knows which it
        was, for it may have been the commit: none is put off, and each runs alone at once.
        """
        taken: list[JobRow] = []

        async def act(unit: Unit) -> None:
            taken.clear()
            row = await job_queue.take_timer(unit.conn, unit.now, mode)
            if row is None:
                return
            taken.append(row)
            kind, rows = self.kinds.by_name[row.kind], [row]
            if kind.shares and not self._alone and not row.attempts:
                rows = await job_queue.take_alike(unit.conn, row, unit.now, SHARING_MAX)
                taken[:] = rows
            for one in rows:
                await kind.run(unit, self.kinds.decode(one))
            await job_queue.end_timers(unit.conn, [one.id for one in rows])

        try:
            await self.units.run(SYSTEM, act)
        except Exception as error:  # noqa: BLE001 - door: one bad timer must not stop the others
            await self._timer_failed(taken, error)
        if taken:
            log.debug("timer.ran", job=taken[0].kind, count=len(taken), mode=mode)
        kind = self.kinds.by_name.get(taken[0].kind) if len(taken) == 1 else None
        if kind is not None and kind.shares:
            self._alone = max(0, self._alone - 1)
        return bool(taken)

    async def _timer_failed(self, taken: list[JobRow], error: Exception) -> None:
        self.failures += 1
        if not taken or isinstance(error, Unavailable):
            taken.clear()
            log.warning("timer.database_gone", error=str(error))
            return
        log.error(
            "timer.failed", error=error, job=taken[0].kind, job_id=taken[0].id,
            shared_by=len(taken),
        )  # fmt: skip
        if len(taken) > 1:
            self._alone = max(self._alone, len(taken))
            return
        text = f"{type(error).__name__}: {error}"
        try:
            async with self.units.db.connection() as conn:
                await job_queue.postpone_timer(
                    conn, taken[0].id, now=self.clock.now(), error=text
                )
        except Exception as gone:  # noqa: BLE001 - door: the timer is back in its row anyway
            taken.clear()
            log.warning("timer.not_postponed", error=str(gone))

    async def _errand(self, row: JobRow) -> None:
        errand = Errand(self.units, row, self.id, self._sharing)
        try:
            with self._way.held():
                await self.kinds.by_name[row.kind].run(errand, self.kinds.decode(row))
        except asyncio.CancelledError:
            # shielded: the process ends, the job must be free before it does
            stopping = "cancelled: the process is stopping"
            await asyncio.shield(self._give_back(row, stopping, after_s=0, limit_s=STOPPING_S))
            raise
        except LeaseLost:
            log.warning("errand.lease_lost", job_id=row.id, job=row.kind)
        except Exception as error:  # noqa: BLE001 - door: one bad errand must not stop the others
            self.failures += 1
            log.error("errand.failed", error=error, job=row.kind, job_id=row.id)
            await self._give_back(
                row, f"{type(error).__name__}: {error}",
                after_s=backoff(row.attempts).total_seconds(),
            )  # fmt: skip
            errand.is_back = True
        finally:
            log.debug("errand.ended", job=row.kind, job_id=row.id, attempt=row.attempts)
            self._running.discard(row.id)
            if errand.is_passed_on:
                self._passed_on[row.id] = self.clock.now() + LEFT_TO_OTHERS
            # others may have waited for free hands; else whoever defers a job says so
            free = ERRANDS_MAX - len(self._running)
            if errand.is_back or (self._is_full and free >= ERRANDS_TOGETHER):
                self._wake.set()

    async def _give_back(
        self, row: JobRow, error: str, *, after_s: float, limit_s: float = 30.0
    ) -> None:
        due_at = self.clock.now() + timedelta(seconds=after_s)
        try:
            async with asyncio.timeout(limit_s), self.units.db.connection() as conn:
                await job_queue.release(
                    conn, row.id, worker=self.id, due_at=due_at, error=error
                )
        except Exception as gone:  # noqa: BLE001 - door: the lease ends by itself
            log.warning("errand.not_given_back", job_id=row.id, error=str(gone))

    async def _heartbeat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            if not self._running:
                continue
            try:
                async with self.units.db.connection() as conn:
                    await job_queue.extend(conn, self.clock.now(), worker=self.id)
            except Exception as error:  # noqa: BLE001 - door: the next beat tries again
                log.warning("worker.heartbeat_failed", error=str(error))

    async def drain(self) -> int:
        """Run everything that is due now, one after another, and return how many ran.

        For tests and the simulation, which move the clock themselves.
        """
        count = 0
        while True:
            ran = await self._timer() or await self._timer("leisure")
            async with self.units.db.connection() as conn:
                rows = await self._lease(conn, self.clock.now(), 1)
            _tell_leased(rows)
            for row in rows:
                await self._errand(row)
            if not ran and not rows:
                return count
            count += int(ran) + len(rows)


Beat = Callable[[], Awaitable[float]]


async def every(beat: Beat, *, name: str, wake: asyncio.Event | None = None) -> None:
    """Call `beat` for ever; it returns how many seconds to wait, or less when `wake` is set."""
    wake = wake or asyncio.Event()
    while True:
        wake.clear()
        try:
            wait_s = await beat()
        except Exception as error:  # noqa: BLE001 - door: a loop outlives any failure and says so
            log.warning("loop.failed", loop=name, error=f"{type(error).__name__}: {error}")
            wait_s = 1.0
        if wait_s <= 0:
            await asyncio.sleep(0)
            continue
        try:
            async with asyncio.timeout(wait_s):
                await wake.wait()
        except TimeoutError:
            pass
