"""Who is on call in a rotation at an instant: a pure function, no row that must be advanced.

Handoff k is the instant at which the zone's clocks show the start plus k turns. A shift ends
at the next handoff, never at start plus duration, so DST leaves neither gap nor overlap.
"""

from datetime import datetime

from msgspec import Struct

from tocsin.kernel.ids import PersonId
from tocsin.oncall.core.local_time import (
    days_between,
    local_at,
    parse_local,
    plus_days,
    to_instant,
)
from tocsin.oncall.model import Rotation, RotationUnit

_UNIT_DAYS = {RotationUnit.DAY: 1, RotationUnit.WEEK: 7}


class Shift(Struct, frozen=True, kw_only=True):
    """Turn `k` of a rotation: `person_id` has it in [start_at, end_at), never empty."""

    k: int
    person_id: PersonId
    start_at: datetime
    end_at: datetime


def handoff(rotation: Rotation, k: int) -> datetime:
    """Return the instant at which turn `k` begins. Raises ValueError for an unknown zone."""
    start = parse_local(rotation.starts_at_local)
    return to_instant(rotation.zone, plus_days(start, k * _turn_days(rotation)))


def on_call(rotation: Rotation, now: datetime) -> Shift | None:
    """Return the shift that contains `now`: None before the first, or if nobody takes turns.

    Raises ValueError for a zone or a start that is not one.
    """
    if not rotation.people:
        return None
    start = parse_local(rotation.starts_at_local)
    k = days_between(start, local_at(rotation.zone, now)) // _turn_days(rotation)
    while handoff(rotation, k) > now:
        k -= 1
    # Also passes over turns of no length, which a skipped day leaves (Apia, 2011-12-30).
    while (end_at := handoff(rotation, k + 1)) <= now:
        k += 1
    return _shift(rotation, k, end_at) if k >= 0 else None


def shifts(rotation: Rotation, start: datetime, end: datetime) -> tuple[Shift, ...]:
    """Return all shifts that have a moment in [start, end), in order and uncut.

    Turns of no length are left out, but count: the next person is the one after.
    """
    if not rotation.people or end <= start:
        return ()
    shift = on_call(rotation, max(start, handoff(rotation, 0)))
    found = []
    while shift is not None and shift.start_at < end:
        found.append(shift)
        shift = on_call(rotation, shift.end_at)
    return tuple(found)


def _turn_days(rotation: Rotation) -> int:
    return rotation.length * _UNIT_DAYS[rotation.unit]


def _shift(rotation: Rotation, k: int, end_at: datetime) -> Shift:
    return Shift(
        k=k,
        person_id=rotation.people[k % len(rotation.people)],
        start_at=handoff(rotation, k),
        end_at=end_at,
    )
