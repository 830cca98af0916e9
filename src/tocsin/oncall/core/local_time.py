"""Wall clocks and zones: the only module that knows the library `whenever`.

Recurring local times are settled by rule: one that a zone skips moves forward by the gap
(RFC 5545), of one that occurs twice the first is meant.
"""

import zoneinfo
from datetime import UTC, datetime

import whenever
from whenever import PlainDateTime as LocalTime

__all__ = [
    "LocalTime",
    "days_between",
    "is_zone",
    "local_at",
    "parse_local",
    "plus_days",
    "to_instant",
    "use_tzdata_wheel_only",
]


def use_tzdata_wheel_only() -> None:
    """Read zones from the installed `tzdata` package alone; call once, before any zone is read.

    The operating system's copy may be years older and would move shifts by an hour. Sets the
    search path of `whenever` and of `zoneinfo`, which other libraries use.
    """
    whenever.reset_tzpath(())
    whenever.clear_tzcache()
    zoneinfo.reset_tzpath(())
    zoneinfo.ZoneInfo.clear_cache()


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
