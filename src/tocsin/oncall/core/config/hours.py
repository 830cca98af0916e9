"""Hours of the week, as they are written in YAML."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from tocsin.oncall.core.config.checks import check_zone
from tocsin.oncall.core.config.schedules import HolidaysSpec
from tocsin.oncall.core.schedule.holidays import check_calendar
from tocsin.oncall.model import Holidays, Hours

HOURS_MAX = 20
TimeOfDay = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["09:00"])]


class Weekday(StrEnum):
    """A day of the week, in the hours' own zone."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class HoursSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """From a time of day until another one, on some weekdays; may cross midnight.

    A window belongs to the day on which it starts. Without weekdays it is every day.
    """

    from_: TimeOfDay = field(name="from")
    to: TimeOfDay
    weekdays: Annotated[tuple[Weekday, ...], Meta(max_length=7)] = ()
    timezone: str | None = None


class SupportHoursSpec(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """From a time of day until another one, on some weekdays; may cross midnight.

    A window belongs to the day on which it starts, and does not hold when that is one of the
    public `holidays`. Without weekdays it is every day.
    """

    from_: TimeOfDay = field(name="from")
    to: TimeOfDay
    weekdays: Annotated[tuple[Weekday, ...], Meta(max_length=7)] = ()
    timezone: str | None = None
    holidays: HolidaysSpec | None = None


SupportHoursList = Annotated[tuple[SupportHoursSpec, ...], Meta(max_length=HOURS_MAX)]
HoursList = Annotated[tuple[HoursSpec, ...], Meta(max_length=HOURS_MAX)]


def to_support_hours(spec: SupportHoursSpec, zone: str, where: str, field: str) -> Hours:
    """Compile one window that public holidays may leave out; see `to_hours`. Raises Invalid."""
    found = to_hours(spec, zone, where)
    if spec.holidays is None:
        return found
    calendar = Holidays(spec.holidays.country, spec.holidays.subdivision)
    check_calendar(calendar, f"{where}: {field}.holidays")
    return replace(found, holidays=calendar)


def to_hours(spec: HoursSpec | SupportHoursSpec, zone: str, where: str) -> Hours:
    """Compile one window; `zone` where it names none itself. Raises Invalid."""
    zone = spec.timezone or zone
    check_zone(zone, where)
    days = tuple(at for at, day in enumerate(Weekday) if day in spec.weekdays)
    return Hours(
        zone=zone, weekdays=days or tuple(range(7)), start=_minute(spec.from_),
        end=_minute(spec.to),
    )  # fmt: skip


def _minute(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
