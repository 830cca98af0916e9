"""What a written schedule compiles to, and which are refused."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import cast
from uuid import UUID

from tocsin.kernel.errors import Invalid
from tocsin.kernel.ids import ScheduleId
from tocsin.kernel.snapshot import Resource, Resources
from tocsin.oncall.core import local_time
from tocsin.oncall.core.config.checks import check_zone, person_id
from tocsin.oncall.core.config.schedules import (
    WEEK,
    HandoffSpec,
    HolidaysSpec,
    LayerSpec,
    RotationSpec,
    ScheduleSpec,
    WindowSpec,
    rotations_of,
)
from tocsin.oncall.core.schedule.holidays import check_calendar
from tocsin.oncall.core.schedule.subscribed import source_of
from tocsin.oncall.core.schedule.turns import begins_s, ends_s
from tocsin.oncall.model import (
    TURNS,
    HolidayRule,
    Holidays,
    Layer,
    RotationUnit,
    Schedule,
    TemporaryShift,
    Window,
)


def to_schedule(resource: Resource, resources: Resources) -> Schedule:
    """Compile one schedule. Raises Invalid."""
    spec = cast("ScheduleSpec", resource.spec)
    where = f"Schedule/{resource.name}"
    check_zone(spec.timezone, where)
    calendar = _calendar(spec.holidays, where)
    layers = tuple(
        _layer(one, spec, resources, f"{where}: {field}") for field, one in rotations_of(spec)
    )
    _refuse_twice([one.name for one in layers], where, "spec.layers")
    _refuse_twice(spec.slots, where, "spec.slots")
    return Schedule(
        id=ScheduleId(cast("UUID", resource.uid)),
        name=resource.name,
        zone=spec.timezone,
        slots=spec.slots,
        layers=layers,
        holidays=calendar,
        team=spec.team,
        calendars=tuple(
            (one.name, one.calendar.url) for one in spec.layers if one.calendar is not None
        ),
    )


def _calendar(spec: HolidaysSpec | None, where: str) -> Holidays | None:
    if spec is None:
        return None
    found = Holidays(spec.country, spec.subdivision)
    check_calendar(found, f"{where}: spec.holidays")
    return found


def _refuse_twice(names: Sequence[str], where: str, field: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise Invalid(f"{where}: {field}: {name!r} stands twice", field=field)


def _layer(
    spec: RotationSpec | LayerSpec, schedule: ScheduleSpec, resources: Resources, where: str
) -> Layer:
    zone, slot = schedule.timezone, schedule.slots[0]
    if isinstance(spec, LayerSpec):
        zone, slot = spec.timezone or zone, spec.slot or slot
        _check_layer(zone, slot, schedule, where)
        if spec.shifts:
            return _fixed(spec, zone, slot, resources, where)
        if spec.calendar is not None:
            return _read_elsewhere(spec, zone, slot)
    if spec.holidays is not HolidayRule.ANY and schedule.holidays is None:
        raise Invalid(
            f"{where}.holidays: whose? write spec.holidays: {{country: DE}}",
            field="spec.holidays",
        )
    layer = Layer(
        name=spec.name if isinstance(spec, LayerSpec) else TURNS,
        slot=slot,
        zone=zone,
        starts_at_local=_start(spec, where),
        ends_at_local=_local(spec.end, f"{where}.end").isoformat() if spec.end else None,
        unit=spec.every or RotationUnit.DAY,
        length=spec.length,
        members=tuple(
            tuple(
                dict.fromkeys(
                    person_id(name, resources)
                    for name in ((one,) if isinstance(one, str) else one)
                )
            )
            for one in spec.people
        ),
        windows=tuple(_window(one) for one in spec.windows),
        advance=spec.advance,
        holidays=spec.holidays,
        calendar=Holidays(schedule.holidays.country, schedule.holidays.subdivision)
        if schedule.holidays and spec.holidays is not HolidayRule.ANY
        else None,
    )
    over_s = ends_s(layer)
    if over_s is not None and over_s <= begins_s(layer):
        raise Invalid(f"{where}.end: comes after the start", field=_field(where, "end"))
    return layer


def _fixed(spec: LayerSpec, zone: str, slot: str, resources: Resources, where: str) -> Layer:
    """Compile a layer of shifts that are written one by one. Raises Invalid."""
    field = f"{where}.shifts"
    shifts = sorted(
        (
            TemporaryShift(
                people=tuple(dict.fromkeys(person_id(n, resources) for n in one.people)),
                start_at=local_time.typed_instant(one.start, zone, field=field),
                end_at=local_time.typed_instant(one.to, zone, field=field),
                turn=one.turn,
            )
            for one in spec.shifts
        ),
        key=lambda one: one.start_at,
    )
    for one in shifts:
        if one.end_at <= one.start_at:
            raise Invalid(f"{field}: one ends before it begins", field=_field(where, "shifts"))
    numbers = [one.turn for one in shifts if one.turn is not None]
    if len(numbers) > len(set(numbers)):
        raise Invalid(f"{field}: two have the same turn", field=_field(where, "shifts"))
    for before, after in pairwise(shifts):
        if after.start_at < before.end_at:
            raise Invalid(
                f"{field}: two are at the same time, from {after.start_at.isoformat()}; put them"
                " into two layers, or into one shift",
                field=_field(where, "shifts"),
            )
    return Layer(
        name=spec.name, slot=slot, zone=zone, starts_at_local="1970-01-01T00:00",
        unit=RotationUnit.DAY, shifts=tuple(shifts),
    )  # fmt: skip


def _read_elsewhere(spec: LayerSpec, zone: str, slot: str) -> Layer:
    return Layer(
        name=spec.name, slot=slot, zone=zone, starts_at_local="1970-01-01T00:00",
        unit=RotationUnit.DAY, source=source_of(spec.calendar.url) if spec.calendar else "",
    )  # fmt: skip


def _check_layer(zone: str, slot: str, schedule: ScheduleSpec, where: str) -> None:
    if not local_time.is_zone(zone):
        raise Invalid(
            f"{where}.timezone: {zone!r} is no IANA time zone; write e.g. Europe/Berlin",
            field=_field(where, "timezone"),
        )
    if slot not in schedule.slots:
        raise Invalid(
            f"{where}.slot: there is no slot {slot!r}; spec.slots has"
            f" {', '.join(schedule.slots)}",
            field=_field(where, "slot"),
        )


def _start(spec: RotationSpec | LayerSpec, where: str) -> str:
    """Return the first handoff: where it is given apart, the first such time from the start on."""
    text = spec.start or ""
    found = _local(text, f"{where}.start")
    if spec.handoff is None:
        return text if "T" in text else found.isoformat(timespec="minutes")
    return _first(found, spec, spec.handoff, where).isoformat(timespec="minutes")


def _first(
    start: datetime, spec: RotationSpec | LayerSpec, handoff: HandoffSpec, where: str
) -> datetime:
    hour, minute = map(int, handoff.at.split(":"))
    found = start.replace(hour=hour, minute=minute, second=0)
    if handoff.day is not None:
        if spec.every is not RotationUnit.WEEK:
            raise Invalid(
                f"{where}.handoff.day: only turns of weeks are handed over on a weekday",
                field=_field(where, "handoff.day"),
            )
        found += timedelta(days=(WEEK.index(handoff.day) - found.weekday()) % 7)
    while found < start:
        found += timedelta(days=7 if handoff.day is not None else 1)
    return found


def _local(text: str, where: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid(f"{where}: {error}", field=_field(where, "")) from error
    return local_time.check_year(found, field=_field(where, ""))


def _field(where: str, name: str) -> str:
    return ".".join(part for part in (where.partition(": ")[2], name) if part)


def _window(spec: WindowSpec) -> Window:
    days = tuple(sorted({WEEK.index(day) for day in spec.days}))
    return Window(days, _minute(spec.start), _minute(spec.to))


def _minute(text: str) -> int:
    hour, minute = map(int, text.split(":"))
    return hour * 60 + minute
