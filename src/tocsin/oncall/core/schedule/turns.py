"""When the turns of a layer begin and end: a pure function, no row that must be advanced.

Handoff k is the instant at which the zone's clocks show the start plus k turns. A turn ends at the
next handoff, never at start plus duration, so DST leaves neither gap nor overlap. Hours follow the
wall clock where they divide the day, else they elapse. All instants are whole seconds since 1970.
"""

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from math import gcd

from msgspec import Struct

from tocsin.oncall.core.local_time import DAY_S, instant_s, instants_s, local_s, wall_s
from tocsin.oncall.model import Layer, RotationUnit

HOUR_S = 3600
_AT_ONCE = 8
_UNIT_S = {RotationUnit.HOUR: HOUR_S, RotationUnit.DAY: DAY_S, RotationUnit.WEEK: 7 * DAY_S}
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Turn(Struct, frozen=True):
    """Turn `k` in [start_s, end_s), never empty."""

    k: int
    start_s: int
    end_s: int


def is_elapsed(layer: Layer) -> bool:
    """Say whether turns are counted in hours that pass, and not by the wall clock."""
    return layer.unit is RotationUnit.HOUR and 24 % layer.length != 0


def wall_of(layer: Layer, k: int) -> int:
    """Return what clocks show at handoff `k`, as seconds since 1970 by the same clock.

    Months count from the first day that was written: the 31st is the last day of a short month.
    """
    start = wall_s(layer.starts_at_local)
    if layer.unit is RotationUnit.MONTH:
        return _plus_months(start, k * layer.length)
    return start + k * layer.length * _UNIT_S[layer.unit]


def weekly(layer: Layer) -> int | None:
    """Return after how many turns the wall clock is at the same place of a week; None: never."""
    if is_elapsed(layer) or layer.unit is RotationUnit.MONTH:
        return None
    week_s = 7 * DAY_S
    return week_s // gcd(week_s, layer.length * _UNIT_S[layer.unit])


def handoff_s(layer: Layer, k: int) -> int:
    """Return the instant at which turn `k` begins; never before turn k - 1. Raises ValueError."""
    if is_elapsed(layer):
        start = instant_s(layer.zone, wall_s(layer.starts_at_local))
        return start + k * layer.length * HOUR_S
    wall = wall_of(layer, k)
    found = instant_s(layer.zone, wall)
    if layer.unit is RotationUnit.HOUR and local_s(layer.zone, found) != wall:
        return _after_skip(layer, k, found)
    return found


def _after_skip(layer: Layer, k: int, found: int) -> int:
    """Let no hour that was skipped begin after one that comes later (Apia skipped a whole day)."""
    while True:
        k += 1
        wall = wall_of(layer, k)
        later = instant_s(layer.zone, wall)
        if local_s(layer.zone, later) == wall:
            return min(found, later)


def turn_at(layer: Layer, at_s: int) -> int:
    """Return the turn that contains an instant; negative before the first. Raises ValueError."""
    k = _estimate(layer, at_s)
    while handoff_s(layer, k) > at_s:
        k -= 1
    # Also passes over turns of no length, which a skipped day leaves (Apia, 2011-12-30).
    while handoff_s(layer, k + 1) <= at_s:
        k += 1
    return k


def _estimate(layer: Layer, at_s: int) -> int:
    start = wall_s(layer.starts_at_local)
    if is_elapsed(layer):
        return (at_s - instant_s(layer.zone, start)) // (layer.length * HOUR_S)
    wall = local_s(layer.zone, at_s)
    if layer.unit is RotationUnit.MONTH:
        first, now = _day(start), _day(wall)
        return ((now.year - first.year) * 12 + now.month - first.month) // layer.length
    return (wall - start) // (layer.length * _UNIT_S[layer.unit])


def turns(layer: Layer, start_s: int, end_s: int) -> Iterator[Turn]:
    """Yield the turns that have a moment in [start_s, end_s), uncut but by the layer's end.

    Those of no length are left out, but count. Raises ValueError for a zone that is not one.
    """
    if not layer.members:
        return
    over_s = ends_s(layer)
    if over_s is not None:
        end_s = min(end_s, over_s)
    k = max(0, turn_at(layer, start_s))
    for first, handoffs in _runs(layer, k, end_s):
        for n, (at, following) in enumerate(pairwise(handoffs)):
            if at >= end_s:
                return
            last = following if over_s is None else min(following, over_s)
            if last > at and last > start_s:
                yield Turn(first + n, at, last)


def _runs(layer: Layer, k: int, end_s: int) -> Iterator[tuple[int, list[int]]]:
    """Yield handoffs from `k` on, as many at once as will probably do; runs share an end."""
    step_s = 0
    if layer.unit in (RotationUnit.DAY, RotationUnit.WEEK):
        step_s = layer.length * _UNIT_S[layer.unit]
    while True:
        if not step_s:
            handoffs = [handoff_s(layer, k + n) for n in range(_AT_ONCE + 1)]
        else:
            wall = wall_of(layer, k)
            count = max(_AT_ONCE, (end_s - instant_s(layer.zone, wall)) // step_s + 3)
            handoffs = instants_s(layer.zone, wall, step_s, count)
        yield k, handoffs
        k += len(handoffs) - 1


def ends_s(layer: Layer) -> int | None:
    """Return from when on a layer is over; None: never."""
    if layer.ends_at_local is None:
        return None
    return instant_s(layer.zone, wall_s(layer.ends_at_local))


def begins_s(layer: Layer) -> int:
    """Return when the first turn begins."""
    return handoff_s(layer, 0)


def instant(at_s: int) -> datetime:
    """Return seconds since 1970 as an instant."""
    return datetime.fromtimestamp(at_s, UTC)


def seconds(at: datetime) -> int:
    """Return an instant as whole seconds since 1970, rounded down."""
    return (at - _EPOCH) // timedelta(seconds=1)


def _day(wall: int) -> date:
    return date.fromordinal(_EPOCH_DAY + wall // DAY_S)


def _plus_months(start: int, months: int) -> int:
    first = _day(start)
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    last = monthrange(year, month + 1)[1]
    on = date(year, month + 1, min(first.day, last))
    return (on.toordinal() - _EPOCH_DAY) * DAY_S + start % DAY_S
