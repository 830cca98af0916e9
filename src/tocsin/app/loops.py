"""What runs beside the requests: one loop a duty, by role, each outliving any failure."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any

from tocsin.app.wiring import Application
from tocsin.governance import actions as governance
from tocsin.kernel import sealer
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.clock import DatabaseClock
from tocsin.kernel.logs import Log
from tocsin.kernel.metrics import CLIENTS, WITNESS_RESTORED
from tocsin.kernel.unit import Unit
from tocsin.kernel.worker import every
from tocsin.oncall import actions as oncall
from tocsin.signals import reads as signals
from tocsin.triage import actions as triage
from tocsin.triage import reads as alerts

ANCHOR_S = 10.0
WATCHDOG_S = 30.0
CONFIG_POLL_S = 5.0
EXPIRE_POLL_S = 1.0
PRESSURE_POLL_S = 1.0
SEAL_PAUSE_S = 0.05
HOUSEKEEPING_S = 3600.0
RETURN_GRACE = timedelta(minutes=5)  # Alertmanager's resolve timeout
log = Log("loops")


class Loops:
    """The duties of one process."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def run(self) -> None:
        """Do them all until cancelled."""
        async with asyncio.TaskGroup() as group:
            for name, loop in self._duties():
                group.create_task(loop, name=name)

    def _duties(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        app, roles = self._app, self._app.settings.roles
        found: list[tuple[str, Coroutine[Any, Any, None]]] = [
            ("clock", every(self._anchor, name="clock")),
            ("config", every(self._config, name="config")),
            ("hub", app.hub.run()),
        ]
        if "accept" in roles:
            found.append(("intake", _outlive(app.intake.run, "intake")))
            found.append(("pressure", every(self._pressure, name="pressure")))
        if "work" in roles:
            found += [
                ("sorter", every(app.sorter.beat, name="sorter", wake=app.sorter.wake)),
                ("worker", _outlive(app.worker.run, "worker")),
                ("sealer", every(self._seal, name="sealer", wake=app.seal_wake)),
                ("expiry", every(self._expire, name="expiry")),
                ("watchdog", every(self._watch, name="watchdog")),
                ("housekeeping", every(self._keep_house, name="housekeeping")),
            ]
        return found

    async def _anchor(self) -> float:
        if isinstance(self._app.clock, DatabaseClock):
            async with self._app.db.connection() as conn:
                await self._app.clock.anchor(conn)
        CLIENTS.set(self._app.hub.clients)
        return ANCHOR_S

    async def _config(self) -> float:
        """Keep what readiness looks at fresh; each unit takes the newest revision by itself."""
        async with self._app.db.connection() as conn:
            await self._app.store.refresh(conn)
        return CONFIG_POLL_S

    async def _pressure(self) -> float:
        """Take nothing more while sorting is too far behind: the sender keeps it, and comes again."""
        app = self._app
        async with app.db.connection() as conn:
            oldest_at = await signals.oldest_at(conn)
        lag_s = (app.clock.now() - oldest_at).total_seconds() if oldest_at else 0.0
        behind = lag_s > app.settings.lag_limit_s
        app.intake.blocked = f"sorting is {lag_s:.0f} s behind" if behind else ""
        return PRESSURE_POLL_S

    async def _seal(self) -> float:
        async with self._app.db.connection() as conn:
            cursor = await conn.execute("SELECT EXISTS (SELECT 1 FROM kernel.intake_log)")
            row = await cursor.fetchone()
            if not row or not row[0]:
                return 1.0
            sealed = await sealer.seal(conn)
        if sealed == sealer.BATCH:
            return 0.0
        # a burst of events is sealed, and told to the screens, together
        await asyncio.sleep(SEAL_PAUSE_S)
        return 1.0 if sealed else SEAL_PAUSE_S

    async def _expire(self) -> float:
        app, now = self._app, self._app.clock.now()
        async with app.db.connection() as conn:
            next_at = await alerts.next_expiry(conn)
            if next_at is None or next_at > now:
                return EXPIRE_POLL_S
            oldest_at = await signals.oldest_at(conn)
        # while Tocsin was down nobody could refresh anything: give senders time to come back
        started_at = app.services.started_at
        heard_since = started_at if now < started_at + RETURN_GRACE else None

        async def expire(unit: Unit) -> int:
            return await triage.expire_due(unit, until=oldest_at, heard_since=heard_since)

        return 0.0 if await app.units.run(SYSTEM, expire) else EXPIRE_POLL_S

    async def _watch(self) -> float:
        restored = await self._app.units.run(SYSTEM, oncall.watch)
        for page_id in restored:
            WITNESS_RESTORED.inc()
            log.error("watchdog.restored", page_id=page_id)
        return WATCHDOG_S

    async def _keep_house(self) -> float:
        await self._app.units.run(SYSTEM, governance.forget_expired)
        return HOUSEKEEPING_S


async def _outlive(duty: Callable[[], Awaitable[None]], name: str) -> None:
    """Do a duty that should not end, and begin it again if it does."""
    while True:
        try:
            await duty()
        except Exception as error:  # noqa: BLE001 - door: one duty's failure must not end the others
            log.error("duty.failed", error=error, duty=name)
        await asyncio.sleep(1)
