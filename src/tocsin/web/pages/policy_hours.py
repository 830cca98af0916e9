"""Support hours as text: mon-fri 09:00-17:00 Europe/Berlin except holidays DE/BE. Pure."""

import re
from typing import Any

from tocsin.kernel.errors import Invalid
from tocsin.oncall.core.config.hours import SupportHoursSpec, Weekday

WEEK = tuple(Weekday)
DAILY = "daily"
_LINE = re.compile(
    r"^(?P<days>.*?)\s*(?P<start>\d{2}:\d{2})\s*(?:-|to)\s*(?P<to>\d{2}:\d{2})"
    r"(?:\s+(?!except\b)(?P<zone>\S+))?"
    r"(?:\s+except holidays(?: of)?\s+(?P<country>[^\s/]+)(?:/(?P<part>\S.*))?)?$"
)
_RUN_MIN = 3  # days in a row that are written as a range


def hours_text(one: SupportHoursSpec) -> str:
    """Write hours so that `hours_of` reads them back as they were."""
    zone = f" {one.timezone}" if one.timezone else ""
    return f"{_days_text(one.weekdays)} {one.from_}-{one.to}{zone}{_holidays_text(one)}"


def _holidays_text(one: SupportHoursSpec) -> str:
    if one.holidays is None:
        return ""
    part = f"/{one.holidays.subdivision}" if one.holidays.subdivision else ""
    return f" except holidays {one.holidays.country}{part}"


def _days_text(days: tuple[Weekday, ...]) -> str:
    if not days:
        return DAILY
    first = WEEK.index(days[0])
    if len(days) >= _RUN_MIN and days == WEEK[first : first + len(days)]:
        return f"{days[0]}-{days[-1]}"
    return ", ".join(days)


def hours_of(line: str, field: str) -> dict[str, Any]:
    """Read one line; without days it is every day, without a zone UTC. Raises Invalid."""
    found = _LINE.match(line.strip())
    days = _days(found["days"]) if found else None
    if found is None or days is None:
        raise Invalid(
            f"{field}: {line.strip()!r} are no hours; write e.g. mon-fri 09:00-17:00"
            " Europe/Berlin",
            field=field,
        )
    spec: dict[str, Any] = {"from": found["start"], "to": found["to"]}
    spec |= {"weekdays": days} if days else {}
    spec |= {"timezone": found["zone"]} if found["zone"] else {}
    if not found["country"]:
        return spec
    part = {"subdivision": found["part"]} if found["part"] else {}
    return spec | {"holidays": {"country": found["country"].upper(), **part}}


def _days(said: str) -> list[str] | None:
    if said.strip(" ,").lower() in ("", DAILY, "every day"):
        return []
    found: list[str] = []
    for part in said.lower().split(","):
        first, _, last = part.strip().partition("-")
        start, end = _day(first), _day(last or first)
        if start is None or end is None:
            return None
        found += [str(WEEK[(start + at) % 7]) for at in range((end - start) % 7 + 1)]
    return found


def _day(word: str) -> int | None:
    """Read mon, Monday or Mo."""
    said = word.strip()
    full = (
        "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
    )  # fmt: skip
    known = (at for at, one in enumerate(full) if len(said) > 1 and one.startswith(said))
    return next(known, None)
