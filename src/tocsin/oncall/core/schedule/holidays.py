"""Public holidays: the only module that knows the library `holidays`."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache

from tocsin.kernel.errors import Invalid
from tocsin.oncall.model import Holidays

YEARS = range(1970, 2101)
_EPOCH_DAY = date(1970, 1, 1).toordinal()


def is_holiday(calendar: Holidays, day: int) -> bool:
    """Say whether a local day, in days since 1970, is a public holiday there."""
    return name_of(calendar, date.fromordinal(_EPOCH_DAY + day)) is not None


def name_of(calendar: Holidays, on: date) -> str | None:
    """Return how a public holiday is called in English, if the day is one."""
    return _year(calendar, on.year).get(on)


def between(calendar: Holidays, start: date, end: date) -> list[tuple[date, str]]:
    """Return the public holidays in [start, end), in order."""
    found = (
        item
        for year in range(start.year, end.year + 1)
        for item in _year(calendar, year).items()
    )
    return sorted(item for item in found if start <= item[0] < end)


def check_calendar(calendar: Holidays, where: str) -> None:
    """Refuse a country, or a part of one, whose holidays are not known here. Raises Invalid.

    `where` is the resource and its field: `Schedule/web: spec.holidays`.
    """
    field = where.partition(": ")[2] or where
    import holidays  # noqa: PLC0415 - slow to import, and only some schedules have holidays

    known = holidays.list_supported_countries()
    parts = known.get(calendar.country)
    if parts is None:
        raise Invalid(
            f"{where}.country: the holidays of {calendar.country!r} are not known here; write"
            " a country by its two letters of ISO 3166-1, e.g. DE",
            field=f"{field}.country",
        )
    if calendar.subdivision is not None and calendar.subdivision not in parts:
        raise Invalid(
            f"{where}.subdivision: {calendar.country} has no {calendar.subdivision!r}; known:"
            f" {', '.join(parts) or 'none'}",
            field=f"{field}.subdivision",
        )


@lru_cache(maxsize=512)
def _year(calendar: Holidays, year: int) -> Mapping[date, str]:
    if year not in YEARS:
        return {}
    import holidays  # noqa: PLC0415 - see above

    languages = holidays.list_localized_countries().get(calendar.country, ())
    return dict(
        holidays.country_holidays(
            calendar.country,
            subdiv=calendar.subdivision,
            years=year,
            language="en_US" if "en_US" in languages else None,
        )
    )
