"""Schedule, as it is written in YAML: one rotation, or slots and layers."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from tocsin.kernel.errors import Invalid
from tocsin.kernel.resources.secret import SECRET_URL
from tocsin.oncall.core.config.checks import team_ref
from tocsin.oncall.model import PRIMARY, Advance, HolidayRule, RotationUnit

Start = Annotated[
    str,
    Meta(pattern=r"^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?)?$", examples=["2026-01-05T09:00"]),
]
TimeOfDay = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["09:00"])]
Label = Annotated[str, Meta(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
Group = Annotated[tuple[str, ...], Meta(min_length=1, max_length=20)]
People = Annotated[tuple[str | Group, ...], Meta(min_length=1, max_length=200)]


class Weekday(StrEnum):
    """A day of the week."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


WEEK: tuple[Weekday, ...] = tuple(Weekday)


class HandoffSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When turns are handed over, where `start` names only a day: the first such time from it on."""

    at: TimeOfDay
    day: Weekday | None = None


class WindowSpec(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"start": "from"}
):
    """Hours of these days, from `from` until just before `to`; over midnight if `to` is not later.

    A window belongs to the day on which it begins. Equal times are 24 hours.
    """

    days: Annotated[tuple[Weekday, ...], Meta(min_length=1, max_length=7)] = WEEK
    start: TimeOfDay = "00:00"
    to: TimeOfDay = "00:00"


Windows = Annotated[tuple[WindowSpec, ...], Meta(max_length=20)]


class HolidaysSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose public holidays count: a country (DE), and one of its parts (BE)."""

    country: Annotated[str, Meta(pattern="^[A-Z]{2}$", examples=["DE"])]
    subdivision: Annotated[str, Meta(min_length=1, max_length=10)] | None = None


class RotationSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Turns of `length` hours, days, weeks or months, handed over at the time of `start`.

    `people` are names, or lists of names who have their turns together. Hours follow the wall
    clock where `length` divides 24, else they elapse.
    """

    start: Start
    every: RotationUnit
    length: Annotated[int, Meta(ge=1, le=366)] = 1
    people: People
    handoff: HandoffSpec | None = None
    end: Start | None = None
    windows: Windows = ()
    advance: Advance = Advance.CALENDAR
    holidays: HolidayRule = HolidayRule.ANY


class ShiftSpec(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"start": "from"}
):
    """One shift, from `from` until just before `to`, by the layer's clocks or with an offset.

    `turn` is the number by which swaps call it, also when it moves; an import writes it.
    """

    people: Group
    start: Annotated[str, Meta(max_length=40, examples=["2026-03-30T09:00"])]
    to: Annotated[str, Meta(max_length=40, examples=["2026-03-31T09:00"])]
    turn: Annotated[int, Meta(ge=0, lt=2**31)] | None = None


class CalendarSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another calendar (iCalendar), read every hour; its events are the shifts of the layer.

    Who knows the address can read it, so it is a secret: no more than its host is shown.
    """

    url: Annotated[
        str,
        Meta(
            pattern=r"^https?://[^\s@]+$",
            max_length=2000,
            examples=["https://calendar.example.org/rota.ics"],
            extra_json_schema=SECRET_URL,
        ),
    ]


class LayerSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A rotation of one slot, by clocks of its own; those above it hide it where they are in force.

    A layer has turns (`start`, `every`, `people`), or `shifts`, one by one, or a `calendar` that
    says them.
    """

    name: Label
    slot: Label | None = None
    timezone: str | None = None
    start: Start | None = None
    every: RotationUnit | None = None
    length: Annotated[int, Meta(ge=1, le=366)] = 1
    people: Annotated[tuple[str | Group, ...], Meta(max_length=200)] = ()
    shifts: Annotated[tuple[ShiftSpec, ...], Meta(max_length=2000)] = ()
    calendar: CalendarSpec | None = None
    handoff: HandoffSpec | None = None
    end: Start | None = None
    windows: Windows = ()
    advance: Advance = Advance.CALENDAR
    holidays: HolidayRule = HolidayRule.ANY


class ScheduleSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is on call when: either one `rotation`, or `layers`, the lowest first."""

    timezone: str
    rotation: RotationSpec | None = None
    layers: Annotated[tuple[LayerSpec, ...], Meta(max_length=50)] = ()
    slots: Annotated[tuple[Label, ...], Meta(min_length=1, max_length=10)] = (PRIMARY,)
    holidays: HolidaysSpec | None = None
    team: str | None = None


def schedule_refs(spec: ScheduleSpec) -> Iterable[tuple[str, str, str]]:
    """Name the people a schedule points at. Raises Invalid where it says not who takes turns."""
    if spec.rotation is None and not spec.layers:
        raise Invalid(
            "spec.rotation: is required; write who takes turns, or spec.layers for more than one"
            " rotation",
            field="spec.rotation",
        )
    if spec.rotation is not None and spec.layers:
        raise Invalid(
            "spec.layers: write either spec.rotation or spec.layers", field="spec.layers"
        )
    for at, layer in enumerate(spec.layers):
        _check_layer(layer, f"spec.layers[{at}]")
    return [*_people(spec), *team_ref(spec.team)]


def _check_layer(layer: LayerSpec, field: str) -> None:
    has_turns = bool(layer.start or layer.every or layer.people or layer.windows)
    if layer.shifts and has_turns:
        raise Invalid(
            f"{field}.shifts: write either shifts or turns (start, every, people)",
            field=f"{field}.shifts",
        )
    if layer.calendar and (layer.shifts or has_turns):
        raise Invalid(
            f"{field}.calendar: write either a calendar, or shifts, or turns (start, every,"
            " people)",
            field=f"{field}.calendar",
        )
    is_written = layer.shifts or layer.calendar
    for name in ("start", "every", "people") if not is_written else ():
        if not getattr(layer, name):
            raise Invalid(f"{field}.{name}: is required", field=f"{field}.{name}")


def _people(spec: ScheduleSpec) -> Iterator[tuple[str, str, str]]:
    for field, one in rotations_of(spec):
        for member in one.people:
            for name in (member,) if isinstance(member, str) else member:
                yield "Person", name, f"{field}.people"
        for shift in one.shifts if isinstance(one, LayerSpec) else ():
            for name in shift.people:
                yield "Person", name, f"{field}.shifts"


def rotations_of(spec: ScheduleSpec) -> Iterator[tuple[str, RotationSpec | LayerSpec]]:
    """Yield what takes turns, each with its field, the lowest first."""
    if spec.rotation is not None:
        yield "spec.rotation", spec.rotation
    for at, layer in enumerate(spec.layers):
        yield f"spec.layers[{at}]", layer
