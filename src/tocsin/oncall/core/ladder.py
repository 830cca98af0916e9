"""Resolve a policy at an instant to the people who can be reached; nobody is called here."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from tocsin.kernel.ids import PersonId, ScheduleId
from tocsin.oncall.core import rotation as shifts
from tocsin.oncall.model import (
    MethodKind,
    Person,
    PersonTarget,
    Policy,
    Rotation,
    ScheduleTarget,
    Target,
)


class MissingReason(StrEnum):
    """Why a target of a policy yields nobody."""

    UNKNOWN_PERSON = "unknown_person"
    UNKNOWN_SCHEDULE = "unknown_schedule"
    BROKEN_SCHEDULE = "broken_schedule"
    NOBODY_ON_CALL = "nobody_on_call"
    INACTIVE = "inactive"
    NO_METHOD = "no_method"


class Missing(Struct, frozen=True, kw_only=True):
    """A target that yields nobody, and why; ids only, so that it may stand in the log."""

    reason: MissingReason
    person_id: PersonId | None = None
    schedule_id: ScheduleId | None = None


class Reach(Struct, frozen=True):
    """A person who can be told, and by what: never an empty tuple."""

    person_id: PersonId
    methods: tuple[MethodKind, ...]


class Rung(Struct, frozen=True, kw_only=True):
    """Whom one step calls, each person once, and which of its targets yield nobody."""

    timeout_s: int
    reach: tuple[Reach, ...] = ()
    missing: tuple[Missing, ...] = ()


class Ladder(Struct, frozen=True, kw_only=True):
    """A policy as it stands at one instant: every reference followed, everybody looked up."""

    rungs: tuple[Rung, ...]
    repeat: int
    catch_all: Rung
    catch_every_s: int
    ack_timeout_s: int


def resolve(
    policy: Policy,
    people: Mapping[PersonId, Person],
    rotations: Mapping[ScheduleId, Rotation],
    now: datetime,
) -> Ladder:
    """Say whom each rung of `policy` would call at `now`.

    Never raises for what is configured: a broken target is `missing`, and costs no other
    target its call.
    """

    def rung(targets: Sequence[Target], timeout_s: int) -> Rung:
        found = [_follow(target, people, rotations, now) for target in targets]
        reach = {one.person_id: one for one in found if isinstance(one, Reach)}
        return Rung(
            timeout_s=timeout_s,
            reach=tuple(reach.values()),
            missing=tuple(one for one in found if isinstance(one, Missing)),
        )

    return Ladder(
        rungs=tuple(rung(step.targets, step.timeout_s) for step in policy.steps),
        repeat=policy.repeat,
        catch_all=rung(policy.catch_all, policy.catch_every_s),
        catch_every_s=policy.catch_every_s,
        ack_timeout_s=policy.ack_timeout_s,
    )


def _follow(
    target: Target,
    people: Mapping[PersonId, Person],
    rotations: Mapping[ScheduleId, Rotation],
    now: datetime,
) -> Reach | Missing:
    match target:
        case PersonTarget(person_id):
            return _reach(person_id, None, people)
        case ScheduleTarget(schedule_id):
            rotation = rotations.get(schedule_id)
            if rotation is None:
                return _missing(MissingReason.UNKNOWN_SCHEDULE, schedule_id=schedule_id)
            try:
                shift = shifts.on_call(rotation, now)
            except ValueError:  # a zone or a start that is not one: the others must be called
                return _missing(MissingReason.BROKEN_SCHEDULE, schedule_id=schedule_id)
            if shift is None:
                return _missing(MissingReason.NOBODY_ON_CALL, schedule_id=schedule_id)
            return _reach(shift.person_id, schedule_id, people)


def _reach(
    person_id: PersonId,
    schedule_id: ScheduleId | None,
    people: Mapping[PersonId, Person],
) -> Reach | Missing:
    person = people.get(person_id)
    if person is None:
        return _missing(MissingReason.UNKNOWN_PERSON, person_id, schedule_id)
    if not person.active:
        return _missing(MissingReason.INACTIVE, person_id, schedule_id)
    if not person.methods:
        return _missing(MissingReason.NO_METHOD, person_id, schedule_id)
    return Reach(person_id, tuple(method.kind for method in person.methods))


def _missing(
    reason: MissingReason,
    person_id: PersonId | None = None,
    schedule_id: ScheduleId | None = None,
) -> Missing:
    return Missing(reason=reason, person_id=person_id, schedule_id=schedule_id)
