"""What runs beside the requests: one loop a duty, by role, each outliving any failure."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import psycopg

from tocsin.app.wiring import Application
from tocsin.governance import actions as governance
from tocsin.governance import reads as access
from tocsin.kernel import ids, logs, sealer, stalled
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.clock import DatabaseClock
from tocsin.kernel.errors import Unavailable
from tocsin.kernel.logs import Log
from tocsin.kernel.metrics import CLIENTS, WITNESS_RESTORED
from tocsin.kernel.unit import Unit
from tocsin.kernel.worker import every
from tocsin.oncall import actions as oncall
from tocsin.signals import actions as intake
from tocsin.signals import reads as signals
from tocsin.signals.core.fairness import lags
from tocsin.triage import actions as triage
from tocsin.triage import reads as alerts

ANCHOR_S = 10.0
STALLED_POLL_S = 3.0
LEISURE_POLL_S = 60.0  # the worker sees when there is something
LEISURE_PAUSE_S = 1.0
WATCHDOG_S = 30.0
CONFIG_POLL_S = 5.0
EXPIRE_POLL_S = 1.0
LISTEN_S = 5.0
SELF_POLL_S = 10.0
HEARTBEATS_POLL_S = 1.0
PRESSURE_POLL_S = 0.5
IDLE_POLL_S = 2.0  # where nothing waits
TALLY_S = 2.0
FINISH_S = 0.5
SEAL_PAUSE_S = 0.05
HOUSEKEEPING_S = 3600.0
NEAR = timedelta(seconds=10)
AWAY = timedelta(seconds=30)  # without a look at what may be over
RETURN_GRACE = timedelta(minutes=5)  # Alertmanager's resolve timeout
log = Log("loops")


class Loops:
    """The duties of one process."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._back_at = self._looked_at = app.services.started_at

    async def run(self) -> None:
        """Do them all until cancelled."""
        async with asyncio.TaskGroup() as group:
            for name, loop in self._duties():
                group.create_task(loop, name=name)

    async def finish(self) -> None:
        """Write down what was counted since the last look; the database may be gone by now."""
        try:
            async with asyncio.timeout(FINISH_S):
                await self._count()
        except (psycopg.Error, OSError, TimeoutError, Unavailable) as error:
            log.warning("tally.lost", error=error)

    def _duties(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        app, roles = self._app, self._app.settings.roles
        found: list[tuple[str, Coroutine[Any, Any, None]]] = [
            ("clock", every(self._anchor, name="clock")),
            ("config", every(self._config, name="config")),
            ("hub", app.hub.run()),
            ("pulse", every(app.intake.pulse.beat, name="pulse")),
            ("database", app.database_watch.run()),
            ("stalled", every(self._free, name="stalled")),
            ("self", every(self._look_at_itself, name="self")),
        ]
        if "accept" in roles:
            found.append(("intake", _outlive(app.intake.run, "intake")))
            found.append(("pings", _outlive(app.pings.run, "pings")))
            found.append(("listening", every(self._listen, name="listening")))
            found.append(("pressure", every(self._pressure, name="pressure")))
            found.append(("tally", every(self._count, name="tally")))
        if "work" in roles:
            found += [
                ("sorter", every(app.sorter.beat, name="sorter", wake=app.sorter.wake)),
                (
                    "light",
                    every(app.sorter.beat_light, name="light", wake=app.sorter.light_wake),
                ),
                ("worker", _outlive(app.worker.run, "worker")),
                ("abilities", every(self._tell_abilities, name="abilities")),
                (
                    "leisure",
                    every(self._at_leisure, name="leisure", wake=app.worker.leisure_wake),
                ),
                ("sealer", every(self._seal, name="sealer", wake=app.seal_wake)),
                ("expiry", every(self._expire, name="expiry")),
                ("heartbeats", every(self._look_for_pings, name="heartbeats")),
                ("watchdog", every(self._watch, name="watchdog")),
                ("calendars", every(app.calendar_layers.beat, name="calendars")),
                ("housekeeping", every(self._keep_house, name="housekeeping")),
            ]
            if app.outside.is_used:
                found.append(("outside", every(app.outside.beat, name="outside")))
            found += [
                (f"replies by {one.name}", _outlive(one.run, one.name)) for one in app.listening
            ]
        return found

    async def _anchor(self) -> float:
        if isinstance(self._app.clock, DatabaseClock):
            async with self._app.db.connection() as conn:
                await self._app.clock.anchor(conn)
            ids.follow(self._app.clock.now())
        CLIENTS.set(self._app.hub.clients)
        return ANCHOR_S

    async def _tell_abilities(self) -> float:
        """Say by what this process can send; see `kernel/abilities.py`."""
        return await self._app.abilities.beat(self._app.clock.now())

    async def _at_leisure(self) -> float:
        """Do what could wait: all there is, or while requests come fast one thing a second."""
        app = self._app
        if not await app.worker.at_leisure():
            return LEISURE_POLL_S
        if app.intake.is_busy():
            await asyncio.sleep(LEISURE_PAUSE_S)
        return 0.0

    async def _free(self) -> float:
        """Take from nodes that were stopped what they hold; see `kernel/stalled.py`."""
        async with self._app.db.connection() as conn:
            for pid in await stalled.end_stalled(conn):
                log.warning("node.stalled", backend=pid)
        return STALLED_POLL_S

    async def _config(self) -> float:
        """Keep what readiness looks at fresh; each unit takes the newest revision by itself.

        The same look tells at what level to log.
        """
        async with self._app.db.connection() as conn:
            await self._app.store.refresh(conn)
            chosen = await access.log_level(conn, self._app.clock.now())
        level = chosen.level if chosen else self._app.settings.log_level
        if logs.set_level(level):
            log.info("log_level.changed", chosen=level)
        return CONFIG_POLL_S

    async def _look_at_itself(self) -> float:
        """Let every screen say what is wrong, and no longer what is not."""
        before = self._app.readiness.shown.keys()
        await self._app.readiness.check()
        if self._app.readiness.shown.keys() != before:
            self._app.hub.restart_streams()
        return SELF_POLL_S

    async def _pressure(self) -> float:
        """Take no more of who is too far behind in sorting: the sender keeps it, and comes again."""
        app, limit_s = self._app, self._app.settings.lag_limit_s
        async with app.db.connection() as conn:
            oldest_at = await signals.oldest_by_sender(conn)
        app.intake.behind = lags(oldest_at, now=app.clock.now(), limit_s=limit_s)
        app.intake.behind_max_s = 2 * limit_s
        return PRESSURE_POLL_S if oldest_at else IDLE_POLL_S

    async def _count(self) -> float:
        """Write down what each integration has sent; a request pays for none of it."""
        app = self._app
        await intake.flush_tally(app.db, app.intake.tally, now=app.clock.now())
        return TALLY_S

    async def _seal(self) -> float:
        async with self._app.db.connection() as conn:
            cursor = await conn.execute("SELECT EXISTS (SELECT 1 FROM kernel.intake_log)")
            row = await cursor.fetchone()
            if not row or not row[0]:
                return 1.0
            sealed = await sealer.seal(conn)
        log.debug("log.sealed", count=sealed)
        if sealed == sealer.BATCH:
            return 0.0
        # a burst of events is sealed, and told to the screens, together
        await asyncio.sleep(SEAL_PAUSE_S)
        return 1.0 if sealed else SEAL_PAUSE_S

    async def _expire(self) -> float:
        app, now = self._app, self._app.clock.now()
        async with app.db.connection() as conn:
            heard_since = self._heard_since(now)
            next_at = await alerts.next_expiry(conn)
            if next_at is None or next_at > now:
                is_near = next_at is not None and next_at - now < NEAR
                return EXPIRE_POLL_S if is_near else IDLE_POLL_S
            oldest_at = await signals.oldest_at(conn)

        async def expire(unit: Unit) -> int:
            return await triage.expire_due(unit, until=oldest_at, heard_since=heard_since)

        count = await app.units.run(SYSTEM, expire)
        log.debug("alerts.expired", count=count)
        return 0.0 if count else EXPIRE_POLL_S

    async def _listen(self) -> float:
        """Note that pings are heard, so that no heartbeat is missed for a deafness of ours."""
        await self._app.pings.listen()
        return LISTEN_S

    async def _look_for_pings(self) -> float:
        """Miss the heartbeats whose time is over."""
        app = self._app
        if not app.pings.is_used:
            return IDLE_POLL_S
        async with app.db.connection() as conn:
            due_at = await signals.next_heartbeat(conn)
        if due_at is None or due_at > app.clock.now():
            return HEARTBEATS_POLL_S
        return 0.0 if await app.pings.watch() else HEARTBEATS_POLL_S

    def _heard_since(self, now: datetime) -> datetime | None:
        """Return since when senders could be heard at all, None if that is long enough.

        While Tocsin was down or its machine asleep, or the database away, nobody could refresh
        anything: senders get time to come back.
        """
        if now - self._looked_at > AWAY:
            self._back_at = now
        self._looked_at = now
        return self._back_at if now < self._back_at + RETURN_GRACE else None

    async def _watch(self) -> float:
        restored = await self._app.units.run(SYSTEM, oncall.watch)
        self._app.outside.watched()
        log.debug("watchdog.looked", restored=len(restored))
        for page_id in restored:
            WITNESS_RESTORED.inc()
            log.error("watchdog.restored", page_id=page_id)
        return WATCHDOG_S

    async def _compare_zones(self) -> None:
        """Tell whose shifts another release of the time zones has moved."""
        last: UUID | None = None
        while True:
            last = await self._app.units.run(SYSTEM, partial(oncall.compare_zones, after=last))
            if last is None:
                return

    async def _keep_house(self) -> float:
        await self._compare_zones()
        await self._app.units.run(SYSTEM, governance.forget_expired)
        await self._app.units.run(SYSTEM, oncall.forget_heard)
        await self._app.units.run(SYSTEM, self._app.services.assurances.keep_nightly)
        return HOUSEKEEPING_S


async def _outlive(duty: Callable[[], Awaitable[None]], name: str) -> None:
    """Do a duty that should not end, and begin it again if it does."""
    while True:
        try:
            await duty()
        except Exception as error:  # noqa: BLE001 - door: one duty's failure must not end the others
            log.error("duty.failed", error=error, duty=name)
        await asyncio.sleep(1)
