"""Whether an instant falls into hours of the week, and when they end or begin next; pure.

Windows are half-open and follow the wall clock: one that a change of the clock cuts short, or
makes longer, begins and ends when the clocks of its zone say so. Public holidays leave out what would
begin on them.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from tocsin.oncall.core.local_time import LocalTime, local_at, plus_days, to_instant
from tocsin.oncall.core.schedule.holidays import name_of
from tocsin.oncall.model import Hours

DAYS_AHEAD = 8
"""How far is looked: every weekly window begins once within it."""
DAYS_AHEAD_MAX = 31
"""How far where public holidays leave windows out: four of one weekday in a row are the most."""


def is_within(hours: Sequence[Hours], at: datetime) -> bool:
    """Say whether `at` falls into one of the windows. Raises ValueError for an unknown zone."""
    return any(start <= at < end for start, end in _windows(hours, at))


def ends_at(hours: Sequence[Hours], at: datetime) -> datetime | None:
    """Return from when on no window covers the time: `at` itself if none does; None: never."""
    found = sorted(_windows(hours, at))
    free_at = at
    for start, end in found:
        if start <= free_at < end:
            free_at = end
    last_end = max((end for _, end in found), default=at)
    return None if free_at >= last_end and free_at > at and _is_full(found, at) else free_at


def begins_at(hours: Sequence[Hours], at: datetime) -> datetime | None:
    """Return when the next window begins: `at` itself inside of one; None: there is none."""
    if is_within(hours, at):
        return at
    for days in (DAYS_AHEAD, DAYS_AHEAD_MAX):
        found = [start for start, _ in _windows(hours, at, days) if start > at]
        if found or not any(one.holidays for one in hours):
            return min(found, default=None)
    return None


def holiday_between(hours: Sequence[Hours], start: datetime, end: datetime) -> str:
    """Name the first public holiday that left a window out of [start, end); "": none did."""
    days = max((end - start).days + 1, 0)
    left_out = [
        (begin, name)
        for begin, over, name in _days(hours, start, min(days, DAYS_AHEAD_MAX))
        if name and begin < end and over > start
    ]
    return min(left_out)[1] if left_out else ""


def edges(hours: Sequence[Hours], start: datetime, end: datetime) -> set[datetime]:
    """Return each instant in [start, end) at which a window begins or ends. Raises ValueError."""
    found: set[datetime] = set()
    at = start
    while at < end:
        found.update(edge for window in _windows(hours, at) for edge in window)
        at += timedelta(days=DAYS_AHEAD)
    return {edge for edge in found if start <= edge < end}


def _is_full(windows: Sequence[tuple[datetime, datetime]], at: datetime) -> bool:
    """Say whether windows follow each other without a gap for as far as is looked."""
    covered_until = at
    for start, end in windows:
        if start > covered_until:
            return False
        covered_until = max(covered_until, end)
    return True


def _windows(
    hours: Sequence[Hours], at: datetime, days_ahead: int = DAYS_AHEAD
) -> Iterator[tuple[datetime, datetime]]:
    for start, end, holiday in _days(hours, at, days_ahead):
        if not holiday:
            yield start, end


def _days(
    hours: Sequence[Hours], at: datetime, days_ahead: int
) -> Iterator[tuple[datetime, datetime, str]]:
    """Yield each window with the public holiday that leaves it out, or ""."""
    for one in hours:
        today = local_at(one.zone, at)
        for days in range(-1, days_ahead + 1):
            day = plus_days(today, days)
            if day.to_stdlib().weekday() not in one.weekdays:
                continue
            holiday = name_of(one.holidays, day.to_stdlib().date()) if one.holidays else None
            start = to_instant(one.zone, _at_minute(day, one.start))
            last = day if one.end > one.start else plus_days(day, 1)
            end = to_instant(one.zone, _at_minute(last, one.end))
            if start < end:
                yield start, end, holiday or ""


def _at_minute(day: LocalTime, minute: int) -> LocalTime:
    return day.replace(hour=minute // 60, minute=minute % 60, second=0, nanosecond=0)
