"""Resolve a policy at an instant to the people who can be reached; nobody is called here."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.ids import PersonId, ScheduleId
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core import hours
from tocsin.oncall.core.schedule import next_on_call, shift_at
from tocsin.oncall.model import (
    MethodKind,
    NotifyRules,
    Person,
    PersonTarget,
    Policy,
    Schedule,
    ScheduleTarget,
    Step,
    Target,
    TeamTarget,
    Timeline,
    WebhookTarget,
)


class MissingReason(StrEnum):
    """Why a target of a policy yields nobody."""

    UNKNOWN_PERSON = "unknown_person"
    UNKNOWN_SCHEDULE = "unknown_schedule"
    BROKEN_SCHEDULE = "broken_schedule"
    NOBODY_ON_CALL = "nobody_on_call"
    INACTIVE = "inactive"
    NO_METHOD = "no_method"
    EMPTY_TEAM = "empty_team"
    QUIET_HOURS = "quiet_hours"


class Missing(Struct, frozen=True, kw_only=True):
    """A target that yields nobody, and why; ids only, so that it may stand in the log."""

    reason: MissingReason
    person_id: PersonId | None = None
    schedule_id: ScheduleId | None = None


class Reach(Struct, frozen=True):
    """A person who can be told, by what (never an empty tuple), how, and why they are called.

    `schedule_id` is the schedule whose shift brought them; `team` the team.
    """

    person_id: PersonId
    methods: tuple[MethodKind, ...]
    notify: NotifyRules = NotifyRules()
    schedule_id: ScheduleId | None = None
    team: str = ""


class Rung(Struct, frozen=True, kw_only=True):
    """Whom one step calls, each person once, and which of its targets yield nobody.

    `tells` are the targets that are webhooks, by their place in the step. Of a `round_robin`
    rung one person is called; see `turn`.
    """

    timeout_s: int
    reach: tuple[Reach, ...] = ()
    missing: tuple[Missing, ...] = ()
    urgency: Urgency | None = None
    tells: tuple[int, ...] = ()
    round_robin: bool = False
    again: int = 0
    calls: int = 1


class Ladder(Struct, frozen=True, kw_only=True):
    """A policy as it stands at one instant: every reference followed, everybody looked up.

    `opens_at` is when its support hours begin; None: they have, or it has none. `holiday` is the
    public holiday because of which they have not begun before.
    """

    rungs: tuple[Rung, ...]
    repeat: int
    catch_all: Rung
    catch_every_s: int
    ack_timeout_s: int
    opens_at: datetime | None = None
    holiday: str = ""


Teams = Mapping[str, tuple[PersonId, ...]]
"""The members of each team, by its name."""


def resolve(
    policy: Policy,
    people: Mapping[PersonId, Person],
    timelines: Mapping[ScheduleId, Timeline],
    now: datetime,
    teams: Teams = MappingProxyType({}),
) -> Ladder:
    """Say whom each rung of `policy` would call at `now`.

    Never raises for what is configured: a broken target is `missing`, and costs no other
    target its call.
    """

    def rung(step: Step) -> Rung:
        found = [
            one
            for target in step.targets
            for one in _follow(target, people, timelines, teams, now)
        ]
        reach = {one.person_id: one for one in found if isinstance(one, Reach)}
        return Rung(
            timeout_s=step.timeout_s,
            reach=tuple(reach.values()),
            missing=tuple(one for one in found if isinstance(one, Missing)),
            urgency=step.urgency,
            tells=tuple(
                at for at, one in enumerate(step.targets) if isinstance(one, WebhookTarget)
            ),
            round_robin=step.round_robin,
            again=step.again,
            calls=step.calls,
        )

    opens_at = _opens_at(policy, now)
    return Ladder(
        rungs=tuple(map(rung, policy.steps)),
        repeat=policy.repeat,
        catch_all=rung(Step(policy.catch_all, policy.catch_every_s)),
        catch_every_s=policy.catch_every_s,
        ack_timeout_s=policy.ack_timeout_s,
        opens_at=opens_at,
        holiday=hours.holiday_between(policy.support_hours, now, opens_at) if opens_at else "",
    )


def schedules_of(
    policy: Policy, schedules: Mapping[ScheduleId, Schedule]
) -> frozenset[ScheduleId]:
    """Return the schedules that decide whom a policy calls: its steps' and its catch-all's."""
    targets = [*(one for step in policy.steps for one in step.targets), *policy.catch_all]
    named = {one.schedule for one in targets if isinstance(one, ScheduleTarget)}
    teams = {one.team for one in targets if isinstance(one, TeamTarget) and one.on_call}
    if teams:
        named |= {key for key, one in schedules.items() if one.team in teams}
    return frozenset(named)


def is_looking_ahead(policy: Policy) -> bool:
    """Say whether a policy calls somebody who is on call later, and not now."""
    targets = [*(one for step in policy.steps for one in step.targets), *policy.catch_all]
    return any(isinstance(one, ScheduleTarget) and one.next for one in targets)


def turn(rung: Rung, ticket: int, loop: int) -> tuple[Reach, ...]:
    """Return whom of a rung this call is for: all, or of a round robin the one whose turn it is.

    Each new page (`ticket`) begins with the next person, each further call goes on from there.
    """
    if not rung.round_robin or not rung.reach:
        return rung.reach
    at = ticket + loop * rung.calls + rung.again
    return (rung.reach[at % len(rung.reach)],)


def quiet_until(reach: Reach, at: datetime) -> datetime | None:
    """Return from when on a person may be told what is of low urgency; None: never.

    Hours that cannot be read hold nothing back.
    """
    try:
        return hours.ends_at(reach.notify.quiet, at) if reach.notify.quiet else at
    except ValueError:
        return at


def _opens_at(policy: Policy, now: datetime) -> datetime | None:
    try:
        begins_at = hours.begins_at(policy.support_hours, now) if policy.support_hours else now
    except ValueError:  # a zone that is none any more must hold nothing back
        return None
    return begins_at if begins_at is not None and begins_at > now else None


def _follow(  # noqa: C901, PLR0912 - one case a kind of target
    target: Target,
    people: Mapping[PersonId, Person],
    timelines: Mapping[ScheduleId, Timeline],
    teams: Teams,
    now: datetime,
) -> Iterator[Reach | Missing]:
    match target:
        case PersonTarget(person_id):
            yield _reach(person_id, None, people)
        case ScheduleTarget(schedule_id):
            yield from _on_call(target, people, timelines.get(schedule_id), now)
        case TeamTarget(team, True):
            found = (one.schedule for one in timelines.values())
            own = [ScheduleTarget(one.id) for one in found if one.team == team]
            for one in own:
                yield from _follow(one, people, timelines, teams, now)
            if not own:
                yield _missing(MissingReason.EMPTY_TEAM)
        case TeamTarget(team):
            for person_id in teams.get(team, ()):
                yield _reach(person_id, None, people, team)
            if not teams.get(team):
                yield _missing(MissingReason.EMPTY_TEAM)
        case WebhookTarget():
            return


def _on_call(
    target: ScheduleTarget,
    people: Mapping[PersonId, Person],
    timeline: Timeline | None,
    now: datetime,
) -> Iterator[Reach | Missing]:
    schedule_id = target.schedule
    if timeline is None:
        yield _missing(MissingReason.UNKNOWN_SCHEDULE, schedule_id=schedule_id)
        return
    slot = target.slot or timeline.schedule.slots[0]
    asked = next_on_call if target.next else shift_at
    try:
        # whoever has left is passed over, and named only where nobody stands below them
        shift = asked(timeline, slot, now) or shift_at(
            replace(timeline, absent=frozenset()), slot, now
        )
    except ValueError:  # a zone or a start that is not one: the others must be called
        yield _missing(MissingReason.BROKEN_SCHEDULE, schedule_id=schedule_id)
        return
    if shift is None:
        yield _missing(MissingReason.NOBODY_ON_CALL, schedule_id=schedule_id)
    for person_id in shift.people if shift else ():
        yield _reach(person_id, schedule_id, people)


def _reach(
    person_id: PersonId,
    schedule_id: ScheduleId | None,
    people: Mapping[PersonId, Person],
    team: str = "",
) -> Reach | Missing:
    person = people.get(person_id)
    if person is None:
        return _missing(MissingReason.UNKNOWN_PERSON, person_id, schedule_id)
    if not person.active:
        return _missing(MissingReason.INACTIVE, person_id, schedule_id)
    if not person.methods:
        return _missing(MissingReason.NO_METHOD, person_id, schedule_id)
    kinds = tuple(method.kind for method in person.methods)
    return Reach(person_id, kinds, person.notify, schedule_id, team)


def _missing(
    reason: MissingReason,
    person_id: PersonId | None = None,
    schedule_id: ScheduleId | None = None,
) -> Missing:
    return Missing(reason=reason, person_id=person_id, schedule_id=schedule_id)
