"""When a layer is in force at all: hours of weekdays by its own clocks, and public holidays."""

from collections.abc import Iterator
from functools import lru_cache

from tocsin.oncall.core.local_time import DAY_S, instant_s, local_s
from tocsin.oncall.core.schedule.holidays import is_holiday
from tocsin.oncall.model import HolidayRule, Layer, Window

ALWAYS = (Window(weekdays=(0, 1, 2, 3, 4, 5, 6), from_min=0, to_min=0),)
_MONDAY = 4  # 1970-01-05, counted in days since 1970-01-01


def is_restricted(layer: Layer) -> bool:
    """Say whether there are hours in which the layer leaves its slot to those below."""
    return bool(layer.windows) or layer.holidays is not HolidayRule.ANY


def stretches(layer: Layer, start_s: int, end_s: int) -> list[tuple[int, int]]:
    """Return when the layer is in force in [start_s, end_s), in order, apart, uncut.

    A window belongs to the local day on which it begins. Raises ValueError for an unknown zone.
    """
    first = local_s(layer.zone, start_s) // DAY_S - 2
    last = local_s(layer.zone, end_s) // DAY_S + 1
    found: list[tuple[int, int]] = []
    for begin, end in sorted(_by_day(layer, first, last)):
        if begin >= end or end <= start_s or begin >= end_s:
            continue
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return found


def _by_day(layer: Layer, first: int, last: int) -> Iterator[tuple[int, int]]:
    for day in range(first, last + 1):
        for begin, end in walls_of(layer, day):
            yield instant_s(layer.zone, begin), instant_s(layer.zone, end)


def walls_of(layer: Layer, day: int) -> Iterator[tuple[int, int]]:
    """Yield the windows that begin on a local day (days since 1970), by the wall clock."""
    if not _counts(layer, day):
        return
    weekday = (day - _MONDAY) % 7
    for window in layer.windows or ALWAYS:
        if weekday in window.weekdays:
            over = DAY_S if window.to_min <= window.from_min else 0
            yield day * DAY_S + window.from_min * 60, day * DAY_S + window.to_min * 60 + over


def _counts(layer: Layer, day: int) -> bool:
    if layer.holidays is HolidayRule.ANY or layer.calendar is None:
        return layer.holidays is not HolidayRule.ONLY
    return is_holiday(layer.calendar, day) is (layer.holidays is HolidayRule.ONLY)


def is_active(layer: Layer, begin: int, end: int) -> bool:
    """Say whether the layer is in force at some moment of [begin, end), by the wall clock."""
    return any(
        start < end and over > begin
        for day in range(begin // DAY_S - 1, (end - 1) // DAY_S + 1)
        for start, over in _walls(layer, day)
    )


@lru_cache(maxsize=8192)
def _walls(layer: Layer, day: int) -> tuple[tuple[int, int], ...]:
    return tuple(walls_of(layer, day))
