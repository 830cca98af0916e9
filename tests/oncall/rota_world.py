"""Schedules that tests are made of."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from tocsin.kernel.ids import PersonId, ScheduleId
from tocsin.oncall.core.schedule import final, shift_at
from tocsin.oncall.core.schedule.turns import handoff_s, instant
from tocsin.oncall.model import TURNS, Layer, RotationUnit, Schedule, Shift, Timeline

SPACE = UUID("00000000-0000-7000-8000-000000000000")


def pid(name: str) -> PersonId:
    return PersonId(uuid5(SPACE, name))


def sid(name: str) -> ScheduleId:
    return ScheduleId(uuid5(SPACE, name))


def at(text: str) -> datetime:
    """An instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


ANA, BEN, CLEO, DAN = (pid(name) for name in ("ana", "ben", "cleo", "dan"))


def layer(*members: Any, **fields: Any) -> Layer:
    """A rotation of people or groups: by day, from Monday 2026-01-05 09:00 in Berlin."""
    given = {
        "name": TURNS, "zone": "Europe/Berlin", "starts_at_local": "2026-01-05T09:00",
        "unit": RotationUnit.DAY, **fields,
    }  # fmt: skip
    groups = tuple(one if isinstance(one, tuple) else (one,) for one in members)
    return Layer(members=groups, **given)


def schedule(*layers: Layer, name: str = "web", **fields: Any) -> Schedule:
    """Layers, the lowest first."""
    zone = layers[0].zone if layers else "UTC"
    return Schedule(**{"id": sid(name), "name": name, "zone": zone, "layers": layers, **fields})


def timeline(*layers: Layer, **fields: Any) -> Timeline:
    """A schedule of layers that was never edited."""
    return Timeline(schedule=schedule(*layers), **fields)


def names(people: Any) -> str:
    """Spell who it is, in one word a person."""
    known = {pid(name): name for name in ("ana", "ben", "cleo", "dan", "eva", "gone", "mute")}
    return "+".join(known[one] for one in people)


def on_call(one: Layer, now: datetime) -> Shift | None:
    """The shift of a schedule of this layer alone."""
    return shift_at(timeline(one), one.slot, now)


def shifts(one: Layer, start: datetime, end: datetime) -> tuple[Shift, ...]:
    """All shifts of a schedule of this layer alone."""
    return final(timeline(one), start, end).shifts


def handoff(one: Layer, k: int) -> datetime:
    """When turn `k` begins."""
    return instant(handoff_s(one, k))
