"""Whose next shift is another one than it was: they are told. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from tocsin.kernel.ids import PersonId
from tocsin.oncall.core.schedule.final import final
from tocsin.oncall.model import Shift, Timeline

WITHIN = timedelta(days=90)


class Span(Struct, frozen=True):
    """When somebody has a slot."""

    slot: str
    start_at: datetime
    end_at: datetime


def next_shifts(timeline: Timeline, now: datetime) -> dict[PersonId, Span]:
    """Return everybody's next shift that begins after `now`, within 90 days."""
    return first_of(final(timeline, now, now + WITHIN).shifts, now)


def first_of(shifts: tuple[Shift, ...], now: datetime) -> dict[PersonId, Span]:
    """Return the first shift of each person that begins after `now`."""
    found: dict[PersonId, Span] = {}
    for one in shifts:
        for who in one.people if one.start_at > now else ():
            found.setdefault(who, Span(one.slot, one.start_at, one.end_at))
    return found


def moved(
    before: Mapping[PersonId, Span], after: Mapping[PersonId, Span]
) -> tuple[PersonId, ...]:
    """Return whose next shift is another one, or is no more, or is new."""
    everybody = {**before, **after}
    return tuple(
        sorted((one for one in everybody if before.get(one) != after.get(one)), key=str)
    )
