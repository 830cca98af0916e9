"""Read the calendars that layers follow: outside of any transaction, one after the other."""

from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.clock import Clock
from tocsin.kernel.errors import Refused
from tocsin.kernel.logs import Log
from tocsin.kernel.units import Units
from tocsin.oncall import actions
from tocsin.oncall.core.schedule import subscribed
from tocsin.oncall.model import CalendarLayer
from tocsin.oncall.ports import CalendarReader

POLL_S = 60.0
log = Log("calendars")


class CalendarLayers:
    """One duty a process: each calendar is read every hour by one of them."""

    def __init__(self, units: Units, clock: Clock, reader: CalendarReader) -> None:
        self._units = units
        self._clock = clock
        self._reader = reader

    async def beat(self) -> float:
        """Read the one that is due the longest; returns how many seconds to wait."""
        due = await self._units.run(SYSTEM, actions.due_calendar)
        if due is None:
            return POLL_S
        await self.read(due)
        return 0.0

    async def read(self, layer: CalendarLayer) -> None:
        """Read one calendar, and keep what came of it, whatever it was."""
        try:
            await self._read(layer)
        except Refused as refused:
            why = refused.detail
            log.warning("calendar.failed", schedule_id=layer.schedule_id, layer=layer.layer)
        except Exception as error:  # noqa: BLE001 - door: one calendar must not cost the next
            why = f"it could not be read ({type(error).__name__})"
            log.error("calendar.failed", error=error, schedule_id=layer.schedule_id)
        else:
            return
        await self._units.run(SYSTEM, lambda unit: actions.calendar_failed(unit, layer, why))

    async def _read(self, layer: CalendarLayer) -> None:
        now = self._clock.now()
        only_changes = subscribed.asks_for_changes_alone(layer, now)
        fetched = await self._reader.fetch(
            layer.url,
            etag=layer.etag if only_changes else "",
            modified=layer.modified if only_changes else "",
        )
        if fetched.text is None:
            await self._units.run(SYSTEM, lambda unit: actions.calendar_unchanged(unit, layer))
            return
        found = await self._reader.read(fetched.text, layer.zone, now, now + subscribed.AHEAD)
        await self._units.run(
            SYSTEM, lambda unit: actions.calendar_read(unit, layer, fetched, found)
        )
