"""One process of Tocsin in the simulation: the real application, on a clock and with providers."""

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from day_crashes import Crash, CrashableDatabase, Fuse
from day_providers import Provider

from tocsin.app.wiring import Application
from tocsin.kernel import sealer
from tocsin.kernel.actor import Actor
from tocsin.kernel.settings import Settings
from tocsin.signals.core.heartbeat_config import Heartbeats
from tocsin.signals.jobs import Pings
from tocsin.signals.model import Ping, Slice

if TYPE_CHECKING:
    from day import Day

CONFIG_POLL_S = 5.0
LAST_RESORT = ("https://desk.example.org/alarm", "mailto:desk@example.org")


def _is_crash(died: BaseException) -> bool:
    """Say whether a task died with its process, alone or together with others."""
    if isinstance(died, BaseExceptionGroup):
        return all(_is_crash(one) for one in died.exceptions)
    return isinstance(died, Crash)


class Node:
    """What dies when a process dies."""

    def __init__(self, name: str, day: "Day") -> None:
        self.name = name
        self.fuse = Fuse()
        self.buried = False
        self.sending = False
        self._clock = day.clock
        self._refreshed_at: datetime | None = None
        providers = {
            kind: Provider(
                weather,
                self.fuse,
                luck_of=day.outside.luck_of,
                meanwhile=partial(day.meanwhile, self),
                taken=day.outside.taken,
                refused=day.outside.refused,
            )
            for kind, weather in day.weather.items()
        }
        self.app = Application(
            Settings(last_resort=LAST_RESORT),
            day.conninfo,
            clock=day.clock,
            channels=providers,
            database=partial(
                CrashableDatabase, fuse=self.fuse, committed=day.committed, lost=day.lost
            ),
        )
        self.app.sorter.lanes = day.lanes
        if day.mutant is not None and day.mutant.parts is not None:
            day.mutant.parts(self)
        self.pings = Pings(
            self.app.units,
            lambda: self.app.store.current.part(Heartbeats),
            self.app.intake.pulse,
            self.app.way,
            elapsed_s=lambda: self._clock.now().timestamp(),
        )
        self._takes: dict[str, asyncio.Future[None]] = {}  # what takes signals, and pings

    async def open(self) -> None:
        """Connect, and take what senders send."""
        await self.app.open()
        self._takes = {
            "signals": asyncio.ensure_future(self.app.intake.run()),
            "pings": asyncio.ensure_future(self.pings.run()),
        }
        self._refreshed_at = self._clock.now()

    async def close(self) -> None:
        """Take its connections away: what was open is rolled back."""
        for takes in self._takes.values():
            takes.cancel()
            await asyncio.wait({takes})
            died = None if takes.cancelled() else takes.exception()
            if died is not None and not _is_crash(died):
                raise died
        await self.app.close()

    async def refresh(self) -> None:
        """Take over the newest configuration."""
        async with self.app.db.connection() as conn:
            await self.app.store.refresh(conn)
        self._refreshed_at = self._clock.now()

    async def refresh_sometimes(self) -> None:
        """Poll for configuration as the real loop does."""
        last = self._refreshed_at
        if last is None or (self._clock.now() - last).total_seconds() >= CONFIG_POLL_S:
            await self.refresh()

    async def accept(self, sender: Actor, form: str, slices: Sequence[Slice]) -> None:
        """Take signals; returns once they are on disk. Raises Crash if nobody will ever answer."""
        await self._answer("signals", self.app.intake.accept(sender, form, slices))

    async def ping(self, one: Ping) -> None:
        """Take a ping; returns once it is on disk. Raises Crash if nobody will ever answer."""
        await self._answer("pings", self.pings.take(one))

    async def listen(self) -> None:
        """Note that pings are heard; whoever knows of no heartbeat has not looked for a while."""
        if not self.pings.is_used:
            await self.refresh()
        await self.pings.listen()

    async def _answer(self, taker: str, asking: Coroutine[Any, Any, object]) -> None:
        takes = self._takes[taker]
        asked: asyncio.Future[Any] = asyncio.ensure_future(asking)
        await asyncio.wait({asked, takes}, return_when=asyncio.FIRST_COMPLETED)
        if not asked.done():
            asked.cancel()
            died = None if takes.cancelled() else takes.exception()
            raise Crash(self.fuse.died_at) if died is None or _is_crash(died) else died
        await asked

    async def seal(self) -> None:
        """Give everything that is committed its place in the log."""
        async with self.app.db.connection() as conn:
            while await sealer.seal(conn):
                pass
