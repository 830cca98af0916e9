"""What the API says of schedules, and of what people agree beside them, as structs."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from tocsin.oncall.actions import NewOverride, NewShift
from tocsin.oncall.core import local_time
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.schedule.report import Finding
from tocsin.oncall.model import CalendarLayer, Override, OverrideKind, Swap, SwapState
from tocsin.web.api.page_shapes import ShiftShape
from tocsin.web.api.shapes import PersonShape, person

Instant = Annotated[
    str,
    Meta(
        max_length=40,
        description="ISO 8601; without an offset by the clocks of the schedule's zone, where"
        " there must be just one such instant.",
        examples=["2026-03-30T09:00", "2026-03-30T09:00:00+02:00"],
    ),
]
Reason = Annotated[str, Meta(max_length=500)]
Name = Annotated[str, Meta(max_length=100)]


class ShiftWanted(Struct, frozen=True, kw_only=True):
    """One shift of a temporary schedule."""

    people: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=20)]
    start_at: Instant
    end_at: Instant


class OverrideWanted(Struct, frozen=True, kw_only=True):
    """`cover`: `person` has the slot. `replace`: wherever `replaced` would. `remove`: not `person`.

    `temporary`: these `shifts` stand instead of all else. The later one wins.
    """

    kind: OverrideKind
    schedule: Name
    slot: Name | None = None
    person: Name | None = None
    replaced: Name | None = None
    start_at: Instant
    end_at: Instant
    shifts: Annotated[tuple[ShiftWanted, ...], Meta(max_length=200)] = ()
    reason: Reason = ""

    def read(self, zone: str) -> NewOverride:
        """Read its instants by the clocks of `zone`. Raises Invalid."""
        at = _reader(zone)
        return NewOverride(
            kind=self.kind, schedule=self.schedule, slot=self.slot, person=self.person,
            replaced=self.replaced, start_at=at(self.start_at, "start_at"),
            end_at=at(self.end_at, "end_at"), reason=self.reason,
            shifts=tuple(
                NewShift(
                    people=one.people, start_at=at(one.start_at, "shifts"),
                    end_at=at(one.end_at, "shifts"),
                )
                for one in self.shifts
            ),
        )  # fmt: skip


class LeaveWanted(Struct, frozen=True, kw_only=True):
    """Away from every schedule; without `person`, whoever asks. By the clocks of their zone."""

    person: Name | None = None
    start_at: Instant
    end_at: Instant
    reason: Reason = ""


class SwapWanted(Struct, frozen=True, kw_only=True):
    """A turn of mine that `partner` shall take, and the one of theirs that I take in return."""

    schedule: Name
    layer: Name = "rotation"
    turn: Annotated[int, Meta(ge=0, lt=2**31)]
    partner: Name
    back_schedule: Name | None = None
    back_layer: Name = "rotation"
    back_turn: Annotated[int, Meta(ge=0, lt=2**31)] = 0
    reason: Reason = ""


class TemporaryShape(Struct, frozen=True, kw_only=True):
    """A shift of a temporary schedule."""

    people: tuple[PersonShape, ...]
    start_at: datetime
    end_at: datetime


class OverrideShape(Struct, frozen=True, kw_only=True):
    """What was agreed, by whom, why; `schedule` null: leave, of every schedule."""

    id: UUID
    kind: OverrideKind
    schedule: str | None
    slot: str | None
    person: PersonShape | None
    replaced: PersonShape | None
    start_at: datetime
    end_at: datetime
    shifts: tuple[TemporaryShape, ...]
    author: str
    reason: str
    created_at: datetime


class OverrideList(Struct, frozen=True, kw_only=True):
    """Newest first."""

    items: tuple[OverrideShape, ...]


class TurnShape(Struct, frozen=True, kw_only=True):
    """A shift's identity, whenever it is."""

    schedule: str
    layer: str
    turn: int


class SwapShape(Struct, frozen=True, kw_only=True):
    """`given` goes from the asker to the partner, and `back`, if there is one, the other way."""

    id: UUID
    state: SwapState
    given: TurnShape
    back: TurnShape | None
    asker: PersonShape
    partner: PersonShape
    reason: str
    created_at: datetime
    decided_at: datetime | None


class SwapList(Struct, frozen=True, kw_only=True):
    """Newest first."""

    items: tuple[SwapShape, ...]


class FollowedShape(Struct, frozen=True, kw_only=True):
    """How the calendar was read that a layer follows; `error` "": well, null: not yet.

    `unknown` are events whose people nobody here is; `left_out` rules that never match.
    """

    read_at: datetime | None
    failing_since: datetime | None
    error: str
    unknown: tuple[str, ...]
    left_out: tuple[str, ...]


class LayerShape(Struct, frozen=True, kw_only=True):
    """What one layer says by itself; `calendar` null: it follows none, or none was read yet."""

    name: str
    slot: str
    zone: str
    shifts: tuple[ShiftShape, ...]
    calendar: FollowedShape | None = None


class LayerList(Struct, frozen=True, kw_only=True):
    """The layers, the lowest first, and the public holidays of the stretch."""

    layers: tuple[LayerShape, ...]
    holidays: tuple["HolidayShape", ...]


class HolidayShape(Struct, frozen=True):
    """A public holiday of the schedule's calendar."""

    on: date
    name: str


class FindingShape(Struct, frozen=True, kw_only=True):
    """Something to look at before it happens."""

    trouble: str
    schedule: str
    slot: str
    start_at: datetime
    end_at: datetime
    person: PersonShape | None
    why: str


class CoverageReport(Struct, frozen=True, kw_only=True):
    """What is wrong in the days to come; `zones` is the release of the time zones that decide."""

    start_at: datetime
    end_at: datetime
    zones: str
    items: tuple[FindingShape, ...]


def _reader(zone: str) -> Callable[[str, str], datetime]:
    return lambda text, field: local_time.typed_instant(text, zone, field=field)


def override_shape(directory: Directory, one: Override) -> OverrideShape:
    """Say what the API says of an override."""
    schedule = directory.schedules.get(one.schedule_id) if one.schedule_id else None
    return OverrideShape(
        id=one.id, kind=one.kind, slot=one.slot,
        schedule=(schedule.name if schedule else "") if one.schedule_id else None,
        person=person(directory, one.person_id) if one.person_id else None,
        replaced=person(directory, one.replaced_id) if one.replaced_id else None,
        start_at=one.start_at, end_at=one.end_at,
        shifts=tuple(
            TemporaryShape(
                people=tuple(person(directory, who) for who in shift.people),
                start_at=shift.start_at, end_at=shift.end_at,
            )
            for shift in one.shifts
        ),
        author=one.author, reason=one.reason, created_at=one.created_at,
    )  # fmt: skip


def swap_shape(directory: Directory, one: Swap) -> SwapShape:
    """Say what the API says of a swap."""

    def name(key: object) -> str:
        schedule = next((s for s in directory.schedules.values() if s.id == key), None)
        return schedule.name if schedule else ""

    back = one.back
    return SwapShape(
        id=one.id, state=one.state,
        given=TurnShape(schedule=name(one.schedule_id), layer=one.layer, turn=one.turn),
        back=TurnShape(schedule=name(back.schedule_id), layer=back.layer, turn=back.turn)
        if back else None,
        asker=person(directory, one.asker_id), partner=person(directory, one.partner_id),
        reason=one.reason, created_at=one.created_at, decided_at=one.decided_at,
    )  # fmt: skip


def followed_shape(one: CalendarLayer) -> FollowedShape:
    """Say what the API says of a calendar that a layer follows."""
    return FollowedShape(
        read_at=one.read_at, failing_since=one.failing_since, error=one.error,
        unknown=one.unknown, left_out=one.left_out,
    )  # fmt: skip


def finding_shape(directory: Directory, one: Finding) -> FindingShape:
    """Say what the API says of something to look at."""
    return FindingShape(
        trouble=one.trouble, schedule=one.schedule, slot=one.slot, start_at=one.start_at,
        end_at=one.end_at, why=one.why,
        person=person(directory, one.person_id) if one.person_id else None,
    )  # fmt: skip
