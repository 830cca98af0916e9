"""Keep a connection open that hears replies: one process at a time, again when it breaks."""

import asyncio
from contextlib import suppress

import psycopg

from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.errors import Unavailable
from tocsin.kernel.ids import uuid7
from tocsin.kernel.logs import Log
from tocsin.kernel.metrics import REPLIES_CONNECTED
from tocsin.kernel.unit import Unit
from tocsin.kernel.units import Units
from tocsin.oncall import actions
from tocsin.oncall.actions.listening import LEASE
from tocsin.oncall.jobs.replies import Replies
from tocsin.oncall.ports import Deaf, Listener, Said

RENEW_S = 5.0
LOOK_S = 5.0
BACKOFF_MAX_S = 60.0
STABLE_S = 60.0
STOPPING_S = 0.3
log = Log("listening")


class Listening:
    """One listener's life in this process."""

    def __init__(self, units: Units, listener: Listener, replies: Replies) -> None:
        self.name = listener.name
        self._units = units
        self._listener = listener
        self._replies = replies
        self._holder = uuid7()
        self._failures = 0
        self.position = ""

    async def run(self) -> None:
        """Listen whenever no other process does, until cancelled."""
        try:
            wait_s = 0.0
            while True:
                await asyncio.sleep(wait_s)
                wait_s = await self.round()
        finally:
            await self._let_go()

    async def round(self) -> float:
        """Listen until the connection ends; return how many seconds to wait before the next one."""
        began_at = self._units.clock.now()
        try:
            position = await self._units.run(SYSTEM, self._hold)
            if position is None:
                with suppress(KeyError):  # whoever has it counts it
                    REPLIES_CONNECTED.remove(self.name)
                return LOOK_S
            self.position = position
            async with asyncio.TaskGroup() as group:
                renewing = group.create_task(self._renew())
                await self._listener.listen(self)
                renewing.cancel()
            return await self._ended("the connection ended", 1.0)
        except Exception as error:  # noqa: BLE001 - door: a connection that breaks is made again
            first = _first_of(error)
        lasted_s = (self._units.clock.now() - began_at).total_seconds()
        self._failures = 1 if lasted_s > STABLE_S else self._failures + 1
        wait_s = min(BACKOFF_MAX_S, 2.0 ** min(self._failures, 6))
        if isinstance(first, Deaf):
            return await self._ended(str(first), max(wait_s, first.retry_after_s or 0))
        if not isinstance(first, Unavailable | psycopg.OperationalError):
            log.error("listener.failed", error=first, connection=self.name)
        return await self._ended(f"{type(first).__name__}", wait_s)

    async def connected(self) -> None:
        """Note that replies are heard from now on."""
        REPLIES_CONNECTED.labels(self.name).set(1)
        log.info("listener.connected", connection=self.name)
        await self._units.run(
            SYSTEM, lambda unit: actions.note_listener(unit, self.name, self._holder)
        )

    async def hear(self, said: Said) -> str:
        """Do what somebody says, once; return the words to answer with."""
        return await self._replies.answer(self.name, said)

    async def keep(self, position: str) -> None:
        """Remember where to go on."""
        _end_if_cancelled()
        if position == self.position:
            return
        self.position = position
        await self._units.run(
            SYSTEM,
            lambda unit: actions.keep_position(unit, self.name, self._holder, position),
        )

    async def _hold(self, unit: Unit) -> str | None:
        return await actions.hold_listener(unit, self.name, self._holder)

    async def _renew(self) -> None:
        """Keep the lease; a database that is away for less than it lasts costs no connection."""
        kept_at = self._units.clock.now()
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                position = await self._units.run(SYSTEM, self._hold)
            except (Unavailable, psycopg.OperationalError):
                if self._units.clock.now() - kept_at > LEASE:
                    raise
                continue
            if position is None:
                raise Deaf("another process listens now, or paging is held after a restore")
            kept_at = self._units.clock.now()

    async def _ended(self, reason: str, wait_s: float) -> float:
        REPLIES_CONNECTED.labels(self.name).set(0)
        log.warning("listener.ended", connection=self.name, reason=reason, again_in_s=wait_s)
        with suppress(psycopg.Error, Unavailable):
            await self._units.run(
                SYSTEM,
                lambda unit: actions.note_listener(unit, self.name, self._holder, reason),
            )
        return wait_s

    async def _let_go(self) -> None:
        with suppress(psycopg.Error, Unavailable, OSError, TimeoutError):
            async with asyncio.timeout(STOPPING_S):
                await self._units.run(
                    SYSTEM,
                    lambda unit: actions.let_listener_go(unit, self.name, self._holder),
                )


def _end_if_cancelled() -> None:
    """End a task that was told to end while a library was deaf to it: `asyncio.wait_for` can be."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _first_of(failed: BaseException) -> BaseException:
    while isinstance(failed, BaseExceptionGroup):
        failed = failed.exceptions[0]
    return failed
