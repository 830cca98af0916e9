"""A policy resolved at an instant: who can be reached, and why the others cannot."""

from datetime import UTC, datetime

import msgspec
from rota_world import SPACE, layer, pid, schedule, sid

from tocsin.kernel.ids import PolicyId
from tocsin.oncall.core.ladder import (
    Missing,
    MissingReason,
    Reach,
    is_looking_ahead,
    resolve,
    schedules_of,
)
from tocsin.oncall.core.schedule.timelines import Timelines
from tocsin.oncall.model import (
    Method,
    MethodKind,
    Person,
    PersonTarget,
    Policy,
    RotationUnit,
    Schedule,
    ScheduleTarget,
    Step,
    Target,
    TeamTarget,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EMAIL = Method(kind=MethodKind.EMAIL, address="x@example.org")
HOOK = Method(kind=MethodKind.WEBHOOK, address="https://example.org", secret="s")


def person(name: str, *methods: Method, active: bool = True) -> Person:
    return Person(id=pid(name), name=name, display_name=name, methods=methods, active=active)


def rotation(name: str, *people: str, zone: str = "Europe/Berlin") -> Schedule:
    turns = layer(*map(pid, people), zone=zone, unit=RotationUnit.WEEK)
    return schedule(turns, name=name)


PEOPLE = {
    one.id: one
    for one in (
        person("ana", EMAIL, HOOK),
        person("ben", HOOK),
        person("gone", EMAIL, active=False),
        person("mute"),
    )
}
SCHEDULES = {
    one.id: one
    for one in (
        rotation("web", "ana", "ben"),
        rotation("empty"),
        rotation("left", "gone"),
        rotation("odd", "ana", zone="Europe/Atlantis"),
    )
}
ROTATIONS = Timelines(SCHEDULES, PEOPLE, {}, (), None)


def policy(*targets: Target, catch_all: tuple[Target, ...] = ()) -> Policy:
    return Policy(
        id=PolicyId(SPACE), name="web", steps=(Step(targets, 300),), catch_all=catch_all
    )


def test_targets_become_people_in_order_and_each_once() -> None:
    ladder = resolve(
        policy(PersonTarget(pid("ben")), ScheduleTarget(sid("web")), PersonTarget(pid("ana"))),
        PEOPLE,
        ROTATIONS,
        NOON,
    )
    (rung,) = ladder.rungs
    assert rung.reach == (
        Reach(pid("ben"), (MethodKind.WEBHOOK,)),
        Reach(pid("ana"), (MethodKind.EMAIL, MethodKind.WEBHOOK)),
    )
    assert (rung.timeout_s, rung.missing) == (300, ())


def test_a_schedule_follows_the_instant() -> None:
    on_duty = [
        resolve(policy(ScheduleTarget(sid("web"))), PEOPLE, ROTATIONS, at).rungs[0].reach[0]
        for at in (
            datetime(2026, 1, 12, 7, 59, tzinfo=UTC),
            datetime(2026, 1, 12, 8, tzinfo=UTC),
        )
    ]
    assert [reach.person_id for reach in on_duty] == [pid("ana"), pid("ben")]


def test_every_target_that_yields_nobody_says_why_and_costs_no_other_its_call() -> None:
    targets = (
        PersonTarget(pid("nobody")),
        PersonTarget(pid("gone")),
        PersonTarget(pid("mute")),
        ScheduleTarget(sid("nowhere")),
        ScheduleTarget(sid("empty")),
        ScheduleTarget(sid("left")),
        ScheduleTarget(sid("odd")),
        PersonTarget(pid("ana")),
    )
    (rung,) = resolve(policy(*targets), PEOPLE, ROTATIONS, NOON).rungs
    assert [reach.person_id for reach in rung.reach] == [pid("ana")]
    assert rung.missing == (
        Missing(reason=MissingReason.UNKNOWN_PERSON, person_id=pid("nobody")),
        Missing(reason=MissingReason.INACTIVE, person_id=pid("gone")),
        Missing(reason=MissingReason.NO_METHOD, person_id=pid("mute")),
        Missing(reason=MissingReason.UNKNOWN_SCHEDULE, schedule_id=sid("nowhere")),
        Missing(reason=MissingReason.NOBODY_ON_CALL, schedule_id=sid("empty")),
        Missing(reason=MissingReason.INACTIVE, person_id=pid("gone"), schedule_id=sid("left")),
        Missing(reason=MissingReason.BROKEN_SCHEDULE, schedule_id=sid("odd")),
    )


def test_before_the_first_handoff_nobody_is_on_call() -> None:
    early = datetime(2026, 1, 5, 7, 59, tzinfo=UTC)
    (rung,) = resolve(policy(ScheduleTarget(sid("web"))), PEOPLE, ROTATIONS, early).rungs
    assert rung.reach == ()
    assert rung.missing[0].reason is MissingReason.NOBODY_ON_CALL


def test_the_catch_all_is_resolved_like_a_step() -> None:
    catch_all = (PersonTarget(pid("ana")), PersonTarget(pid("mute")))
    ladder = resolve(policy(catch_all=catch_all), PEOPLE, ROTATIONS, NOON)
    assert [reach.person_id for reach in ladder.catch_all.reach] == [pid("ana")]
    assert ladder.catch_all.missing[0].reason is MissingReason.NO_METHOD
    assert (ladder.repeat, ladder.catch_every_s, ladder.ack_timeout_s) == (0, 600, 1800)


def test_a_policy_hangs_on_the_schedules_of_its_steps_its_catch_all_and_its_teams() -> None:
    team = schedule(layer(pid("ana")), name="theirs")
    known = {**SCHEDULES, team.id: msgspec.structs.replace(team, team="sre")}
    found = policy(
        ScheduleTarget(sid("web")), TeamTarget("sre", on_call=True), TeamTarget("other"),
        catch_all=(ScheduleTarget(sid("left"), next=True),),
    )  # fmt: skip
    assert schedules_of(found, known) == {sid("web"), sid("left"), team.id}
    assert is_looking_ahead(found)
    alone = policy(PersonTarget(pid("ana")), TeamTarget("sre"))
    assert schedules_of(alone, known) == frozenset()
    assert not is_looking_ahead(alone)
