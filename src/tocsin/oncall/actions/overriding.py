"""What people agree beside a schedule: cover, replace, remove, temporary schedules, and leave."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.actor import Actor
from tocsin.kernel.errors import Conflict, Invalid, NotFound
from tocsin.kernel.ids import PersonId, ScheduleId, uuid7
from tocsin.kernel.unit import Unit
from tocsin.oncall import events, store
from tocsin.oncall.actions.moving import noting
from tocsin.oncall.actions.zones import AHEAD, by_people, keep_promises
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import Override, OverrideKind, Person, Schedule, TemporaryShift

LONGEST = timedelta(days=366)
FARTHEST = timedelta(days=2 * 366)
REASON_MAX = 500
SHIFTS_MAX = 200
STANDING_MAX = 500  # overrides that stand for one schedule


class NewShift(Struct, frozen=True, kw_only=True):
    """One shift of a temporary schedule: people by name."""

    people: tuple[str, ...]
    start_at: datetime
    end_at: datetime


class NewOverride(Struct, frozen=True, kw_only=True):
    """What somebody wants to be so for a while; people by name, `slot` None: the first, or any."""

    kind: OverrideKind
    schedule: str
    slot: str | None = None
    person: str | None = None
    replaced: str | None = None
    start_at: datetime
    end_at: datetime
    shifts: tuple[NewShift, ...] = ()
    reason: str = ""


async def add_override(unit: Unit, new: NewOverride) -> Override:
    """Let others have a schedule for a while, from now on at the earliest. Raises Invalid, NotFound.

    Whoever takes turns in it may take shifts over and step aside themselves; all else is for
    those who may override the schedules of its team.
    """
    unit.require("self:write")
    directory = unit.config(Directory)
    schedule = schedule_named(directory, new.schedule)
    person = _person(directory, new.person, "person")
    replaced = _person(directory, new.replaced, "replaced", gone=True)
    _check(new, schedule, person, replaced)
    if not _is_own(unit, new, schedule, person):
        unit.require_on("schedule:override", schedule.team)
    start_at, end_at = stretch(unit.now, new.start_at, new.end_at)
    await _refuse_too_many(unit, schedule)
    found = Override(
        id=uuid7(), kind=new.kind, schedule_id=schedule.id, slot=_slot(new, schedule),
        person_id=person.id if person else None, replaced_id=replaced.id if replaced else None,
        start_at=start_at, end_at=end_at, shifts=_shifts(directory, new),
        author=author(unit.actor), reason=_reason(new.reason), created_at=unit.now,
    )  # fmt: skip
    async with noting(unit, [schedule.id], start_at, end_at, "override"):
        await store.add_override(unit.conn, found)
    unit.record(
        events.ScheduleOverridden(
            override_id=found.id, schedule_id=schedule.id, schedule=schedule.name,
            what=found.kind, person_id=found.person_id, replaced_id=found.replaced_id,
            start_at=start_at, end_at=end_at,
        )
    )  # fmt: skip
    return found


async def take_leave(
    unit: Unit, person: str | None, start: datetime, end: datetime, reason: str = ""
) -> Override:
    """Let no schedule call a person (None: the asker) in [start, end); whoever is below has it.

    Raises Invalid.
    """
    unit.require("self:write")
    directory = unit.config(Directory)
    own = directory.people.get(unit.actor.person_id) if unit.actor.person_id else None
    who = directory.person_named(person) if person else own
    if who is None:
        raise Invalid("whose leave? name a person", field="person")
    if who != own or unit.actor.is_narrow:
        for team in _teams_of(directory, who):
            unit.require_on("schedule:override", team)
    start_at, end_at = stretch(unit.now, start, end)
    found = Override(
        id=uuid7(), kind=OverrideKind.LEAVE, person_id=who.id, start_at=start_at,
        end_at=end_at, author=author(unit.actor), reason=_reason(reason), created_at=unit.now,
    )  # fmt: skip
    async with noting(unit, _schedules_of(directory, who.id), start_at, end_at, "leave"):
        await store.add_override(unit.conn, found)
    unit.record(
        events.LeaveTaken(
            override_id=found.id, person_id=who.id, start_at=start_at, end_at=end_at
        )
    )
    return found


async def end_override(unit: Unit, override_id: UUID) -> None:
    """Take an override back from now on; what it has done stays as it was.

    Also that of somebody who has left. Raises NotFound, and Conflict for one that is over.
    """
    unit.require("self:write")
    found = await store.override_for_update(unit.conn, override_id)
    directory = unit.config(Directory)
    schedule = directory.schedules.get(found.schedule_id) if found.schedule_id else None
    is_own = unit.actor.person_id is not None and found.person_id == unit.actor.person_id
    if (not is_own and found.author != author(unit.actor)) or unit.actor.is_narrow:
        unit.require_on("schedule:override", schedule.team if schedule else None)
    if found.end_at <= unit.now:
        raise Conflict("this override is over; what has been stays as it was")
    concerned = [schedule.id] if schedule else _schedules_of(directory, found.person_id)
    async with noting(unit, concerned, found.start_at, found.end_at, "back"):
        await store.end_override(unit.conn, found.id, unit.now.replace(microsecond=0))
    agreed = await store.overrides(unit.conn, unit.now, unit.now + AHEAD, concerned)
    timelines = replace(directory, overrides=by_people(agreed)).timelines(unit.now)
    await keep_promises(unit, [timelines[key] for key in concerned])
    unit.record(
        events.OverrideEnded(
            override_id=found.id, schedule_id=found.schedule_id, person_id=found.person_id
        )
    )


def author(actor: Actor) -> str:
    """Spell who asks, as rows keep it."""
    return f"{actor.kind}:{actor.id}"


def schedule_named(directory: Directory, name: str) -> Schedule:
    """Return the schedule of this name. Raises NotFound."""
    for one in directory.schedules.values():
        if one.name == name:
            return one
    raise NotFound(f"no schedule {name!r}; `tocsin oncall schedules` lists them")


def stretch(now: datetime, start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """Return [start, end) in whole seconds, from now on: history stays. Raises Invalid."""
    begin = max(start, now).replace(microsecond=0)
    over = end.replace(microsecond=0)
    if over <= begin:
        raise Invalid("the end comes after the start, and after now", field="end_at")
    if begin - now > FARTHEST:
        raise Invalid(f"begin within {FARTHEST.days} days from now", field="start_at")
    if over - begin > LONGEST:
        raise Invalid(f"at most {LONGEST.days} days", field="end_at")
    return begin, over


def _person(
    directory: Directory, name: str | None, field: str, *, gone: bool = False
) -> Person | None:
    if name is None:
        return None
    found = directory.find_person(name)
    if found is None or not (found.active or gone):
        why = "is not active" if found else "is nobody here"
        raise Invalid(f"{field}: {name!r} {why}", field=field)
    return found


def _check(
    new: NewOverride, schedule: Schedule, person: Person | None, replaced: Person | None
) -> None:
    if new.kind in (OverrideKind.LEAVE, OverrideKind.SWAP, OverrideKind.CALENDAR):
        raise Invalid("write cover, replace, remove or temporary", field="kind")
    if new.slot is not None and new.slot not in schedule.slots:
        raise Invalid(
            f"{schedule.name} has no slot {new.slot!r}; it has {', '.join(schedule.slots)}",
            field="slot",
        )
    is_temporary = new.kind is OverrideKind.TEMPORARY
    if (person is None) is not is_temporary:
        words = "a temporary schedule names people in its shifts" if person else "who? name one"
        raise Invalid(words, field="person")
    if bool(new.shifts) is not is_temporary:
        raise Invalid("shifts belong to a temporary schedule, and it to them", field="shifts")
    if (replaced is not None) is not (new.kind is OverrideKind.REPLACE):
        raise Invalid("only `replace` replaces somebody, and names whom", field="replaced")
    if replaced is not None and replaced == person:
        raise Invalid("nobody replaces themselves", field="replaced")


def _is_own(unit: Unit, new: NewOverride, schedule: Schedule, person: Person | None) -> bool:
    """Say whether somebody who takes turns there speaks of themselves alone."""
    me = unit.actor.person_id
    if me is None or unit.actor.is_narrow or new.kind is OverrideKind.TEMPORARY:
        return False
    return person is not None and person.id == me and me in schedule.people


def _slot(new: NewOverride, schedule: Schedule) -> str | None:
    if new.slot is None and new.kind in (OverrideKind.COVER, OverrideKind.TEMPORARY):
        return schedule.slots[0]
    return new.slot


def _shifts(directory: Directory, new: NewOverride) -> tuple[TemporaryShift, ...]:
    if len(new.shifts) > SHIFTS_MAX:
        raise Invalid(f"at most {SHIFTS_MAX} shifts", field="shifts")
    found = sorted(new.shifts, key=lambda one: one.start_at)
    for before, after in pairwise(found):
        if after.start_at < before.end_at:
            raise Invalid("two of the shifts are at the same time", field="shifts")
    return tuple(_shift(directory, new, one) for one in found)


def _shift(directory: Directory, new: NewOverride, one: NewShift) -> TemporaryShift:
    people: Sequence[Person | None] = [
        _person(directory, name, "shifts") for name in one.people
    ]
    ids = tuple(dict.fromkeys(PersonId(who.id) for who in people if who is not None))
    is_inside = new.start_at <= one.start_at < one.end_at <= new.end_at
    if not ids or not is_inside:
        raise Invalid(
            "a shift names people, and lies in the schedule's stretch", field="shifts"
        )
    return TemporaryShift(
        people=ids, start_at=one.start_at.replace(microsecond=0),
        end_at=one.end_at.replace(microsecond=0),
    )  # fmt: skip


def _reason(text: str) -> str:
    if len(text) > REASON_MAX or "\x00" in text:
        raise Invalid(f"a reason has at most {REASON_MAX} characters", field="reason")
    return text.strip()


def _schedules_of(directory: Directory, person_id: PersonId | None) -> list[ScheduleId]:
    return [key for key, one in directory.schedules.items() if person_id in one.people]


def _teams_of(directory: Directory, person: Person) -> set[str | None]:
    found = {one.team for one in directory.schedules.values() if person.id in one.people}
    return found or {None}


async def _refuse_too_many(unit: Unit, schedule: Schedule) -> None:
    standing = await store.overrides_listed(unit.conn, unit.now, [schedule.id], STANDING_MAX)
    if len(standing) >= STANDING_MAX:
        raise Conflict(
            f"{schedule.name} has {STANDING_MAX} overrides already; take some back, or write"
            " the change into the schedule itself"
        )
