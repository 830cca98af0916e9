"""Where a rotation leaves nobody on call; pure."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from tocsin.oncall.core.rotation import Shift, shifts
from tocsin.oncall.model import Rotation


class Gap(Struct, frozen=True, kw_only=True):
    """Nobody has it in [start_at, end_at), never empty: pages go to the next step or the catch-all."""

    start_at: datetime
    end_at: datetime


class Plan(Struct, frozen=True, kw_only=True):
    """A stretch of a schedule: its shifts, uncut, and its gaps, cut to the stretch."""

    rotation: Rotation
    shifts: tuple[Shift, ...]
    gaps: tuple[Gap, ...]


Versions = Sequence[tuple[datetime, Rotation | None]]
"""A schedule as it is now, whatever its instant, and as it will be from each later instant on."""


def plan(rotation: Rotation, start: datetime, end: datetime, later: Versions = ()) -> Plan:
    """Return what happens in [start, end), by the version that is in force then."""
    found = shifts_over([(start, rotation), *later], start, end)
    return Plan(rotation=rotation, shifts=found, gaps=gaps(found, start, end))


def shifts_over(versions: Versions, start: datetime, end: datetime) -> tuple[Shift, ...]:
    """Return all shifts that have a moment in [start, end), cut where another version begins."""
    distinct = [
        (since, one)
        for at, (since, one) in enumerate(versions)
        if at == 0 or one != versions[at - 1][1]
    ]
    found: list[Shift] = []
    for at, (since, rotation) in enumerate(distinct):
        is_last = at + 1 == len(distinct)
        until = end if is_last else distinct[at + 1][0]
        first = start if at == 0 else max(start, since)
        for shift in shifts(rotation, first, min(until, end)) if rotation else ():
            begin = shift.start_at if at == 0 else max(shift.start_at, since)
            over = shift.end_at if is_last else min(shift.end_at, until)
            found.append(replace(shift, start_at=begin, end_at=over))
    return tuple(found)


def gaps(found: tuple[Shift, ...], start: datetime, end: datetime) -> tuple[Gap, ...]:
    """Return what shifts in order leave free of [start, end)."""
    free = []
    at = start
    for shift in found:
        if shift.start_at > at:
            free.append(Gap(start_at=at, end_at=min(shift.start_at, end)))
        at = max(at, shift.end_at)
    if at < end:
        free.append(Gap(start_at=at, end_at=end))
    return tuple(free)


def covered_share(found: tuple[Gap, ...], start: datetime, end: datetime) -> float:
    """Return which part of [start, end) has somebody on call, from 0 to 1."""
    free_s = sum((gap.end_at - gap.start_at).total_seconds() for gap in found)
    return 1 - free_s / (end - start).total_seconds()
