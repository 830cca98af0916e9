"""Whether an instant falls into hours of the week, and when they end or begin next; pure.

Windows are half-open and follow the wall clock: one that a change of the clock cuts short, or
makes longer, begins and ends when the clocks of its zone say so.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from tocsin.oncall.core.local_time import LocalTime, local_at, plus_days, to_instant
from tocsin.oncall.model import Hours

DAYS_AHEAD = 8
"""How far is looked: every weekly window begins once within it."""


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
    return min((start for start, _ in _windows(hours, at) if start > at), default=None)


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


def _windows(hours: Sequence[Hours], at: datetime) -> Iterator[tuple[datetime, datetime]]:
    for one in hours:
        today = local_at(one.zone, at)
        for days in range(-1, DAYS_AHEAD + 1):
            day = plus_days(today, days)
            if day.to_stdlib().weekday() not in one.weekdays:
                continue
            start = to_instant(one.zone, _at_minute(day, one.start))
            last = day if one.end > one.start else plus_days(day, 1)
            end = to_instant(one.zone, _at_minute(last, one.end))
            if start < end:
                yield start, end


def _at_minute(day: LocalTime, minute: int) -> LocalTime:
    return day.replace(hour=minute // 60, minute=minute % 60, second=0, nanosecond=0)
