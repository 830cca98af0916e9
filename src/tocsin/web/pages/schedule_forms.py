"""What the forms beside schedules share: typed local times, and who can be chosen. Pure."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar.datastructures import FormMultiDict
from msgspec import Struct

from tocsin.oncall.core import local_time
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import Schedule
from tocsin.web.forms import text
from tocsin.web.pages.schedule_bars import offset

USUAL = timedelta(hours=8)
Options = list[tuple[str, str]]


class Typed(Struct, frozen=True, kw_only=True):
    """A local time as somebody typed it.

    Where clocks show it twice or never, `readings` are what it may mean, and `chosen` is which.
    """

    text: str = ""
    chosen: str = ""
    readings: tuple[tuple[str, str], ...] = ()

    def instant(self, zone: str, field: str) -> datetime:
        """Return the instant that is meant. Raises Invalid where that has to be asked."""
        if self.readings and self.chosen in [iso for iso, _ in self.readings]:
            return datetime.fromisoformat(self.chosen).astimezone(UTC)
        return local_time.typed_instant(self.text, zone, field=field)


def typed(form: FormMultiDict, name: str, zone: str) -> Typed:
    """Read a local time of a form, and what was chosen where it has two readings."""
    said = text(form, name)[:40]
    return Typed(text=said, chosen=text(form, f"{name}_is"), readings=readings(said, zone))


def filled(at: datetime, zone: str) -> Typed:
    """Return an instant as a form shows it."""
    local = at.astimezone(ZoneInfo(zone))
    said = f"{local:%Y-%m-%dT%H:%M}"
    return Typed(
        text=said, chosen=local.isoformat(timespec="minutes"), readings=readings(said, zone)
    )


def readings(said: str, zone: str) -> tuple[tuple[str, str], ...]:
    """Return what a local time may mean where a zone shows it twice or never; else nothing."""
    try:
        naive = datetime.fromisoformat(said)
    except ValueError:
        return ()
    if naive.tzinfo is not None:
        return ()
    place = ZoneInfo(zone)
    found = []
    with suppress(OverflowError):
        for fold in (0, 1):
            at = naive.replace(tzinfo=place, fold=fold).astimezone(UTC).astimezone(place)
            found.append(
                (at.isoformat(timespec="minutes"), f"{at:%a %-d %b %H:%M} {offset(at)}")
            )
    return tuple(found) if len({iso for iso, _ in found}) > 1 else ()


def stretch_of(
    start: str, end: str, zone: str, now: datetime, usual: timedelta = USUAL
) -> tuple[Typed, Typed]:
    """Return the stretch that an address names, from now on at the earliest; else from now on."""
    begin = max(_instant(start) or now, now)
    over = _instant(end)
    return (
        filled(begin, zone),
        filled(over if over is not None and over > begin else begin + usual, zone),
    )


def _instant(said: str) -> datetime | None:
    with suppress(ValueError, OverflowError):
        found = datetime.fromisoformat(said[:40])
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    return None


def people_of(directory: Directory, schedule: Schedule) -> list[tuple[str, Options]]:
    """Return who can have a schedule: those who take turns there first."""
    active = sorted(
        (one for one in directory.people.values() if one.active),
        key=lambda one: one.display_name,
    )
    mine = [(one.name, one.display_name) for one in active if one.id in schedule.people]
    others = [(one.name, one.display_name) for one in active if one.id not in schedule.people]
    return [one for one in (("Takes turns here", mine), ("Others", others)) if one[1]]


def name_of(directory: Directory, person_id: UUID | None) -> str:
    """Return the name of a person's resource; "" for who is none."""
    found = next((one for one in directory.people.values() if one.id == person_id), None)
    return found.name if found else ""
