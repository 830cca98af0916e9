"""When a job is to be heard of next: a period, or a cron expression by the clocks of a zone. Pure."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from tocsin.kernel.errors import Invalid
from tocsin.signals.model import FOR_EVER, Rule

EARLY = timedelta(seconds=5)
"""So much before its time a job is on time: its clock and ours agree no better than that."""

CRON_MAX = 120
SHORTCUTS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_WRITTEN = re.compile(r"[0-9A-Za-z*/,#\- \t]+", re.ASCII)
_SOME_TIME = datetime(2026, 1, 1, tzinfo=UTC)
_CURE = "write e.g. 30 2 * * 1-5 (minute hour day month weekday) or @daily"


def expected_after(rule: Rule, at: datetime) -> datetime:
    """Return when a job that was heard of at `at` is expected next, in UTC; FOR_EVER: never.

    A job that has a time of day, or of the hour, runs once at each change of the clocks, as
    Debian's cron does: what is skipped is made up for, what occurs twice counts once.
    """
    if rule.every_s is not None:
        return at + timedelta(seconds=rule.every_s)
    start = at + EARLY
    for found in CronSim(rule.cron, start.astimezone(ZoneInfo(rule.zone))):
        instant = found.astimezone(UTC)
        if instant > start:  # in the second of two equal hours it names the first
            return instant
    return FOR_EVER


def read_cron(text: str, *, field: str) -> str:
    """Return a cron expression as it is kept. Raises Invalid, naming `field` and the cure."""
    expression = SHORTCUTS.get(text.strip().lower(), text.strip())
    if len(text) > CRON_MAX:
        raise Invalid(f"{field}: longer than {CRON_MAX} characters; {_CURE}", field=field)
    if not _WRITTEN.fullmatch(expression):
        raise Invalid(f"{field}: {text!r} is no cron expression; {_CURE}", field=field)
    try:
        first = next(CronSim(expression, _SOME_TIME), None)
    except CronSimError as error:
        said = str(error)[:1].lower() + str(error)[1:]
        raise Invalid(
            f"{field}: {text!r} is no cron expression: {said}; {_CURE}", field=field
        ) from None
    except (AssertionError, IndexError, TypeError, ValueError):
        raise Invalid(
            f"{field}: {text!r} is no cron expression; {_CURE}", field=field
        ) from None
    if first is None:
        raise Invalid(
            f"{field}: {text!r} never comes: no such day in 50 years; {_CURE}", field=field
        )
    return expression


def read_zone(name: str, *, field: str) -> str:
    """Return the name of a time zone that is known here. Raises Invalid, naming `field`."""
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(
            f"{field}: {name!r} is no time zone; write an IANA name, e.g. Europe/Berlin",
            field=field,
        ) from None
