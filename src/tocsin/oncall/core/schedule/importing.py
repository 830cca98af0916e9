"""Another calendar as a layer: its events become shifts of people who are known here. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from tocsin.kernel.ids import PersonId
from tocsin.oncall.model import FoundShift, MethodKind, Person


class WrittenShift(Struct, frozen=True):
    """A shift as it stands in a resource: people by the names of theirs."""

    people: tuple[str, ...]
    start_at: datetime
    end_at: datetime


class Imported(Struct, frozen=True):
    """What became of a calendar; `unknown` are events whose people nobody here is."""

    shifts: tuple[WrittenShift, ...]
    unknown: tuple[str, ...]
    overlapping: int


def imported(found: Sequence[FoundShift], people: Mapping[PersonId, Person]) -> Imported:
    """Match events with people, by address in any case or by name in the summary.

    Of events at the same time the first stands: a layer has one member at a time; who shares the
    very same stretch has it together.
    """
    active = [one for one in people.values() if one.active]
    by_address = {
        method.address.strip().casefold(): one.name
        for one in active
        for method in one.methods
        if method.kind is MethodKind.EMAIL
    }
    named: dict[tuple[datetime, datetime], dict[str, None]] = {}
    unknown: dict[str, None] = {}
    for event in found:
        names = _names(event, by_address, active)
        if not names:
            unknown[event.summary or ", ".join(event.emails)] = None
        for name in names:
            named.setdefault((event.start_at, event.end_at), {})[name] = None
    shifts: list[WrittenShift] = []
    dropped = 0
    for (start_at, end_at), who in sorted(named.items()):
        if shifts and start_at < shifts[-1].end_at:
            dropped += 1
        else:
            shifts.append(WrittenShift(tuple(who), start_at, end_at))
    return Imported(tuple(shifts), tuple(unknown)[:100], dropped)


def _names(
    event: FoundShift, by_address: Mapping[str, str], people: Iterable[Person]
) -> list[str]:
    found = [by_address[one] for one in event.emails if one in by_address]
    if found:
        return list(dict.fromkeys(found))
    words = event.summary.casefold()
    for one in people:
        if words in (one.name.casefold(), one.display_name.casefold()):
            return [one.name]
    inside = [one.name for one in people if one.display_name.casefold() in words]
    return inside[:1] if len(inside) == 1 else []
