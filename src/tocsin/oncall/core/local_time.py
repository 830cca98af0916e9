"""Wall clocks and zones: the only module that knows the library `whenever`.

Recurring local times are settled by rule: one that a zone skips moves forward by the gap
(RFC 5545), of one that occurs twice the first is meant. What is asked often is answered in whole
seconds since 1970 from a table of the zone's changes: `instant_s` and `local_s`.
"""

import zoneinfo
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from importlib import metadata

import whenever
from msgspec import Struct
from whenever import PlainDateTime as LocalTime

from tocsin.kernel.errors import Invalid

__all__ = [
    "DAY_S",
    "LocalTime",
    "check_year",
    "days_between",
    "forget_zones",
    "instant_s",
    "instants_s",
    "is_zone",
    "local_at",
    "local_s",
    "parse_local",
    "plus_days",
    "to_instant",
    "typed_instant",
    "tzdata_version",
    "use_tzdata_wheel_only",
    "wall_s",
]

DAY_S = 86_400
YEARS = range(1970, 2200)
"""Of schedules. What is mistyped, as 1026, would make millions of turns before the present one."""
_ERA_S = 16 * 366 * DAY_S  # a table holds the changes of about sixteen years
_MARGIN_S = 3 * DAY_S  # no zone is further from UTC, and no change larger
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - of wall clocks


def use_tzdata_wheel_only() -> None:
    """Read zones from the installed `tzdata` package alone; call once, before any zone is read.

    The operating system's copy may be years older and would move shifts by an hour. Sets the
    search path of `whenever` and of `zoneinfo`, which other libraries use.
    """
    whenever.reset_tzpath(())
    zoneinfo.reset_tzpath(())
    forget_zones()


def forget_zones() -> None:
    """Read every zone anew when it is asked for next."""
    whenever.clear_tzcache()
    zoneinfo.ZoneInfo.clear_cache()
    _table.cache_clear()


def tzdata_version() -> str:
    """Return the release of the IANA database that decides here, e.g. 2026.2."""
    return metadata.version("tzdata")


def is_zone(name: str) -> bool:
    """Say whether `name` is an IANA zone that is known here."""
    try:
        LocalTime(2000, 1, 1).assume_tz(name, disambiguation="compatible")
    except whenever.TimeZoneNotFoundError:
        return False
    return True


def parse_local(text: str) -> LocalTime:
    """Read "2026-01-05T09:00". Raises ValueError, also for a text with an offset."""
    return LocalTime.parse_iso(text)


def to_instant(zone: str, local: LocalTime) -> datetime:
    """Return the UTC instant at which clocks in `zone` show `local`. Raises ValueError."""
    zoned = local.assume_tz(zone, disambiguation="compatible")
    return zoned.to_instant().to_stdlib()


def local_at(zone: str, instant: datetime) -> LocalTime:
    """Return what clocks in `zone` show at `instant`. Raises ValueError."""
    return whenever.Instant(instant.astimezone(UTC)).to_tz(zone).to_plain()


def plus_days(local: LocalTime, days: int) -> LocalTime:
    """Return the same time of day, `days` calendar days later."""
    return local.add(days=days)


def days_between(start: LocalTime, end: LocalTime) -> int:
    """Count calendar days from `start` to `end`, times of day left out."""
    return end.to_stdlib().toordinal() - start.to_stdlib().toordinal()


def check_year(at: datetime, *, field: str) -> datetime:
    """Return an instant or a local time that a schedule can be about. Raises Invalid."""
    if at.year in YEARS:
        return at
    raise Invalid(
        f"{field}: the year {at.year} is none for a schedule; write one from {YEARS[0]} to"
        f" {YEARS[-1]}",
        field=field,
    )


def typed_instant(text: str, zone: str, *, field: str) -> datetime:
    """Read an instant that somebody has typed: with its offset, or by the clocks of `zone`.

    Raises Invalid, also for a local time that the zone skips or has twice: what is meant once
    is asked for, not guessed.
    """
    try:
        given = datetime.fromisoformat(text)
        check_year(given, field=field)
        if given.tzinfo is not None:
            return given.astimezone(UTC)
        found = LocalTime(given).assume_tz(zone, disambiguation="raise")
    except (whenever.SkippedTime, whenever.RepeatedTime) as error:
        twice = isinstance(error, whenever.RepeatedTime)
        raise Invalid(
            f"{field}: clocks in {zone} show {text}"
            f" {'twice' if twice else 'never'}; write it with its offset,"
            f" e.g. {text}{_offsets(zone, text)}",
            field=field,
        ) from None
    except (ValueError, OverflowError):
        raise Invalid(
            f"{field}: {text!r} is no instant; write e.g. 2026-03-30T09:00 (by the clocks of"
            f" {zone}) or 2026-03-30T09:00:00+02:00",
            field=field,
        ) from None
    return found.to_instant().to_stdlib()


def _offsets(zone: str, text: str) -> str:
    local = LocalTime(datetime.fromisoformat(text))
    found = [
        local.assume_tz(zone, disambiguation=which).format_iso()
        for which in ("earlier", "later")
    ]
    return " or ".join(dict.fromkeys(one.partition("[")[0][19:] for one in found))


class _Table(Struct, frozen=True):
    """The offsets of a zone for some years: each from its instant, and from its local time, on."""

    since: tuple[int, ...]
    local_since: tuple[int, ...]
    offsets: tuple[int, ...]


@lru_cache(maxsize=2048)
def _table(zone: str, era: int) -> _Table:
    """Raise ValueError for an unknown zone."""
    start = era * _ERA_S - 2 * _MARGIN_S
    end = (era + 1) * _ERA_S + 2 * _MARGIN_S
    at = whenever.Instant.from_timestamp(start).to_tz(zone)
    since, local_since, offsets = [], [], [_offset_s(at)]
    for changed in _changes(at, end):
        offset_s = _offset_s(changed)
        if offset_s == offsets[-1]:
            continue
        since.append(changed.timestamp())
        # what is skipped counts from before the change, and so does the first of what is repeated
        local_since.append(changed.timestamp() + max(offsets[-1], offset_s))
        offsets.append(offset_s)
    return _Table(tuple(since), tuple(local_since), tuple(offsets))


def _changes(at: whenever.ZonedDateTime, end: int) -> Iterator[whenever.ZonedDateTime]:
    found = at.next_transition()
    while found is not None and found.timestamp() < end:
        yield found
        found = found.next_transition()


def _offset_s(at: whenever.ZonedDateTime) -> int:
    return round(at.offset.total("seconds"))


def instant_s(zone: str, wall_s: int) -> int:
    """Return the instant at which clocks show `wall_s`, both in seconds since 1970.

    Raises ValueError for an unknown zone.
    """
    table = _table(zone, wall_s // _ERA_S)
    return wall_s - table.offsets[bisect_right(table.local_since, wall_s)]


def instants_s(zone: str, first_wall_s: int, step_s: int, count: int) -> list[int]:
    """Return the instants of wall-clock times that follow each other in equal steps."""
    found: list[int] = []
    wall = first_wall_s
    while len(found) < count:
        era = wall // _ERA_S
        table = _table(zone, era)
        index = bisect_right(table.local_since, wall)
        changes = table.local_since[index : index + 1]
        until = min((*changes, (era + 1) * _ERA_S))
        same = max(1, min(count - len(found), -((wall - until) // step_s)))
        offset_s = table.offsets[index]
        found += range(wall - offset_s, wall - offset_s + same * step_s, step_s)
        wall += same * step_s
    return found


def local_s(zone: str, at_s: int) -> int:
    """Return what clocks show at an instant, both in seconds since 1970. Raises ValueError."""
    table = _table(zone, at_s // _ERA_S)
    return at_s + table.offsets[bisect_right(table.since, at_s)]


@lru_cache(maxsize=4096)
def wall_s(text: str) -> int:
    """Read "2026-01-05T09:00" as seconds since 1970 by the same clock. Raises ValueError."""
    return round((parse_local(text).to_stdlib() - _EPOCH).total_seconds())
