"""Who takes turns, when they change, and what people have agreed beside that."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from tocsin.kernel.ids import PersonId, ScheduleId

Positive = Annotated[int, Meta(ge=1)]
Minute = Annotated[int, Meta(ge=0, lt=1440)]
PRIMARY = "primary"
TURNS = "rotation"
"""The layer of a schedule that is written with one `rotation` alone."""


class RotationUnit(StrEnum):
    """The unit a turn is counted in, by the clocks of the layer's zone."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Advance(StrEnum):
    """Whether every turn counts, or only those in which the layer is in force at all."""

    CALENDAR = "calendar"
    ACTIVE = "active"


class HolidayRule(StrEnum):
    """What public holidays do to a layer."""

    ANY = "any"
    SKIP = "skip"
    ONLY = "only"


class Window(Struct, frozen=True):
    """Hours of local days (0: Monday) in minutes since midnight; they may end on the day after.

    Equal ends are 24 hours. A window belongs to the day on which it begins.
    """

    weekdays: tuple[int, ...]
    from_min: Minute
    to_min: Minute


class Holidays(Struct, frozen=True):
    """Whose public holidays count: a country by ISO 3166-1, and one of its parts."""

    country: str
    subdivision: str | None = None


class TemporaryShift(Struct, frozen=True, kw_only=True):
    """One shift that is written down as such: of a temporary schedule, or of a layer.

    `turn` is the number by which swaps call it, also when it moves; None: it goes by its start.
    """

    people: tuple[PersonId, ...]
    start_at: datetime
    end_at: datetime
    turn: int | None = None


class Layer(Struct, frozen=True, kw_only=True):
    """A rotation of one slot: handoff k is at `starts_at_local` plus k x `length` units.

    Local times are ISO dates and wall-clock times without offset. A member is one person or a
    group, all of whom are called. Turn `anchor_turn` is the member's at `anchor_place`: by that
    an edit goes on where it was. A layer with `shifts` has those instead of turns, in order; so
    has one with a `source`, by which the calendar is known from which they are read.
    """

    name: str
    slot: str = PRIMARY
    zone: str
    starts_at_local: str
    ends_at_local: str | None = None
    unit: RotationUnit
    length: Positive = 1
    members: tuple[tuple[PersonId, ...], ...] = ()
    windows: tuple[Window, ...] = ()
    advance: Advance = Advance.CALENDAR
    holidays: HolidayRule = HolidayRule.ANY
    calendar: Holidays | None = None
    anchor_turn: int = 0
    anchor_place: int = 0
    shifts: tuple[TemporaryShift, ...] = ()
    source: str = ""

    @property
    def people(self) -> tuple[PersonId, ...]:
        """Everybody who takes turns, each once, in the order in which they are written."""
        groups = (*self.members, *(one.people for one in self.shifts))
        return tuple(dict.fromkeys(who for group in groups for who in group))


class Schedule(Struct, frozen=True, kw_only=True):
    """Slots to be filled, and the layers that fill them: a later one hides those before it.

    `calendars` are the addresses, secret, that layers follow, each after the layer's name.
    """

    id: ScheduleId
    name: str
    zone: str
    slots: tuple[str, ...] = (PRIMARY,)
    layers: tuple[Layer, ...] = ()
    holidays: Holidays | None = None
    team: str | None = None
    calendars: tuple[tuple[str, str], ...] = ()

    @property
    def people(self) -> tuple[PersonId, ...]:
        """Everybody who takes turns, each once, in the order in which they are written."""
        return tuple(dict.fromkeys(who for layer in self.layers for who in layer.people))


class Version(Struct, frozen=True, kw_only=True):
    """The layers of one slot from `since` on (None: from the beginning), anchored."""

    slot: str
    since: datetime | None
    layers: tuple[Layer, ...]


class OverrideKind(StrEnum):
    """What an override does to what stood there before it."""

    COVER = "cover"  # the slot is this person's
    REPLACE = "replace"  # this person has it wherever the other one would
    REMOVE = "remove"  # this person does not have it: whoever is below does
    TEMPORARY = "temporary"  # these shifts stand instead of all else
    LEAVE = "leave"  # this person is away, from every schedule
    SWAP = "swap"  # this turn of that layer is the other person's
    CALENDAR = "calendar"  # these are the shifts of that layer, as its calendar says


class Override(Struct, frozen=True, kw_only=True):
    """What somebody has agreed beside the layers, in [start_at, end_at); the later one wins.

    `slot` None: every slot; `schedule_id` None: every schedule. A swap holds for turn `turn` of
    `layer`, whenever that is. What a calendar says is none of them: it becomes the layer's shifts.
    """

    id: UUID
    kind: OverrideKind
    schedule_id: ScheduleId | None = None
    slot: str | None = None
    person_id: PersonId | None = None
    replaced_id: PersonId | None = None
    start_at: datetime
    end_at: datetime
    layer: str = ""
    turn: int = 0
    shifts: tuple[TemporaryShift, ...] = ()
    author: str = ""
    reason: str = ""
    created_at: datetime


class Timeline(Struct, frozen=True, kw_only=True):
    """All that decides who has a schedule when: what the resolver takes.

    `versions` come by slot and instant; a slot without any is as the schedule's layers say.
    `overrides` stand in the order in which they were made. Who is `absent` has left or is not
    active, from `absent_from` on (None: from the beginning).
    """

    schedule: Schedule
    versions: tuple[Version, ...] = ()
    overrides: tuple[Override, ...] = ()
    absent: frozenset[PersonId] = frozenset()
    absent_from: datetime | None = None


class Shift(Struct, frozen=True, kw_only=True):
    """`people` have `slot` in [start_at, end_at), never empty.

    Turn `k` of `layer` is its identity, whenever it is; a layer "" is an override's.
    """

    people: tuple[PersonId, ...]
    start_at: datetime
    end_at: datetime
    slot: str = PRIMARY
    layer: str = TURNS
    k: int = 0
    overrides: tuple[UUID, ...] = ()

    @property
    def person_id(self) -> PersonId:
        """Return the first of those who have it."""
        return self.people[0]


class Gap(Struct, frozen=True, kw_only=True):
    """Nobody has `slot` in [start_at, end_at), never empty."""

    start_at: datetime
    end_at: datetime
    slot: str = PRIMARY


class Plan(Struct, frozen=True, kw_only=True):
    """A stretch of a schedule: shifts uncut, and gaps cut to the stretch; by instant and slot."""

    schedule: Schedule
    shifts: tuple[Shift, ...]
    gaps: tuple[Gap, ...]

    def of(self, slot: str) -> "Plan":
        """Return what concerns one slot."""
        return Plan(
            schedule=self.schedule,
            shifts=tuple(one for one in self.shifts if one.slot == slot),
            gaps=tuple(one for one in self.gaps if one.slot == slot),
        )
