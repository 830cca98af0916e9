"""Will this page someone? The proof over all instants agrees with pages that climb one by one."""

from datetime import UTC, datetime, timedelta
from uuid import uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from rota_world import SPACE, at, layer, pid, schedule, sid

from tocsin.kernel.ids import PolicyId
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core.assurance import (
    CauseKind,
    Line,
    Outcome,
    Path,
    hole_words,
    line_words,
    prove,
    simulate,
)
from tocsin.oncall.core.assurance.stands import States
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.reachability import fingerprint
from tocsin.oncall.model import (
    ContactState,
    Holidays,
    Hours,
    Method,
    MethodKind,
    NotifyRules,
    Override,
    OverrideKind,
    Person,
    PersonTarget,
    Policy,
    RotationUnit,
    Rule,
    Schedule,
    ScheduleTarget,
    Step,
    Target,
    TeamTarget,
    Window,
)

START = at("2026-03-27T12:00")  # a Friday; Berlin's clocks go forward on Sunday
DAYS = 3
SMS = Method(kind=MethodKind.SMS, address="+491512345678")
EMAIL = Method(kind=MethodKind.EMAIL, address="x@example.org")
ASLEEP = (Hours(zone="Europe/Berlin", start=22 * 60, end=7 * 60),)
OFFICE = (Hours(zone="Europe/Berlin", weekdays=(0, 1, 2, 3, 4), start=9 * 60, end=17 * 60),)
FRIDAY_OFF = (replace(OFFICE[0], holidays=Holidays("MM")),)  # 27 March 2026: Armed Forces Day
NIGHTS = (Window(weekdays=(0, 1, 2, 3, 4, 5, 6), from_min=20 * 60, to_min=8 * 60),)
LOUD = NotifyRules(high=(Rule(0, 0), Rule(600, 1)), low=(Rule(0, 0),))


def person(name: str, *methods: Method, notify: NotifyRules | None = None) -> Person:
    rules = notify or NotifyRules()
    return Person(id=pid(name), name=name, display_name=name, methods=methods, notify=rules)


def verified(*people: Person) -> States:
    """Everything that these people have is proved to be theirs."""
    return {
        one.id: {
            fingerprint(m): ContactState(
                person_id=one.id, fingerprint=fingerprint(m), kind=m.kind, verified_at=START
            )
            for m in one.methods
        }
        for one in people
    }


PEOPLE = (
    person("ana", SMS),
    person("ben", EMAIL),
    person("cleo", EMAIL, SMS, notify=LOUD),
    person("dan", SMS, EMAIL, notify=NotifyRules(quiet=ASLEEP)),
    person("eva", EMAIL, SMS, notify=NotifyRules(quiet=ASLEEP, low=(Rule(0, 1),))),
    replace(person("gone", SMS), active=False),
    person("mute"),
)
WHO = [one.id for one in PEOPLE]
HOURLY = RotationUnit.HOUR
NIGHTLY = layer(pid("ana"), pid("gone"), pid("ben"), unit=HOURLY, length=6, windows=NIGHTS)
SCHEDULES: tuple[Schedule, ...] = (
    schedule(layer(pid("ana"), pid("ben"), pid("mute"), unit=HOURLY, length=8), name="web"),
    schedule(NIGHTLY, name="nights", team="shop"),
    schedule(layer((pid("cleo"), pid("ben")), pid("dan"), unit=HOURLY, length=5), name="db"),
    schedule(layer(pid("gone")), name="left", team="shop"),
    schedule(layer(pid("ana"), zone="Europe/Atlantis"), name="odd"),
)
AGREED = (
    Override(
        id=uuid5(SPACE, "leave"), kind=OverrideKind.LEAVE, person_id=pid("ana"),
        start_at=START + timedelta(hours=20), end_at=START + timedelta(hours=30),
        created_at=START,
    ),
    Override(
        id=uuid5(SPACE, "cover"), kind=OverrideKind.COVER, schedule_id=sid("nights"),
        person_id=pid("cleo"), start_at=START + timedelta(hours=11, minutes=30),
        end_at=START + timedelta(hours=13, minutes=10), created_at=START,
    ),
)  # fmt: skip


def directory(policy: Policy, people: tuple[Person, ...] = PEOPLE) -> Directory:
    return Directory(
        {one.id: one for one in people},
        {one.id: one for one in SCHEDULES},
        {policy.name: policy},
        overrides=AGREED,
        teams={"shop": (pid("ben"), pid("dan")), "none": ()},
    )


def policy(*steps: Step, catch_all: tuple[Target, ...] = (), repeat: int = 0) -> Policy:
    return Policy(
        id=PolicyId(SPACE), name="default", steps=steps, catch_all=catch_all, repeat=repeat
    )


def checked(
    one: Policy,
    states: States,
    urgency: Urgency = Urgency.HIGH,
    days: int = DAYS,
    people: tuple[Person, ...] = PEOPLE,
) -> Line:
    path = Path(route="shop", policy="default", urgency=urgency)
    end = START + timedelta(days=days)
    [line] = prove([path], directory(one, people), states, START, end, holes_max=100_000)
    return line


people = st.sampled_from(WHO).map(PersonTarget)
rotas = st.builds(
    ScheduleTarget, st.sampled_from([one.id for one in SCHEDULES]), next=st.booleans()
)
teams = st.builds(TeamTarget, st.sampled_from(["shop", "none"]), st.booleans())
targets = st.lists(st.one_of(rotas, people, teams), min_size=1, max_size=2).map(tuple)
steps = st.builds(
    Step, targets, st.sampled_from([300, 900, 5400]),
    st.sampled_from([None, None, Urgency.LOW, Urgency.HIGH]),
)  # fmt: skip
policies = st.builds(
    lambda found, repeat, last: policy(*found, repeat=repeat, catch_all=last),
    st.lists(steps, min_size=1, max_size=3),
    st.integers(0, 2),
    st.one_of(st.just(()), targets),
)
proofs = st.sets(st.sampled_from(PEOPLE)).map(lambda some: verified(*some))


@settings(max_examples=15, deadline=None)
@given(one=policies, states=proofs, shift=st.integers(0, (DAYS * 24 - 10) * 3600))
def test_the_proof_says_what_each_page_would_do(
    one: Policy, states: States, shift: int
) -> None:
    """Every ten minutes a page climbs by the machine's own step."""
    known, line = directory(one), checked(one, states)
    worst = 0.0
    for n in range(60):
        now = START + timedelta(seconds=shift + 600 * n)
        page = simulate(one, known, states, now)
        hole = next((h for h in line.holes if h.start_at <= now < h.end_at), None)
        by_step = [t.at for c in page.calls if c.step for t in c.tells if t.counts]
        if hole is None:
            assert by_step, (now, page)
        else:
            assert page.after_s == hole.after_s, (now, hole, page)
        worst = max(worst, page.after_s or 0)
    assert worst <= (line.worst_s or 0)


@settings(max_examples=6, deadline=None)
@given(one=policies, states=proofs, opens=st.sampled_from(((), OFFICE, FRIDAY_OFF)))
def test_what_is_not_urgent_is_followed_through_its_hours(
    one: Policy, states: States, opens: tuple[Hours, ...]
) -> None:
    """It waits for hours of support, and until somebody has no quiet hours; only then it calls."""
    one = replace(one, support_hours=opens)
    known, line = directory(one), checked(one, states, Urgency.LOW)
    for now in (START + timedelta(minutes=100 * n) for n in range(12 * DAYS)):
        page = simulate(one, known, states, now, Urgency.LOW)
        hole = next((h for h in line.holes if h.start_at <= now < h.end_at), None)
        is_lost = hole is not None and hole.after_s is None
        assert is_lost == (page.after_s is None), (now, hole, page)


def test_whose_turn_it_is_does_not_matter_where_it_is_proven() -> None:
    turns = Step((PersonTarget(pid("ana")), PersonTarget(pid("ben"))), 300, round_robin=True)
    states = verified(*PEOPLE)
    line = checked(policy(turns), states)
    assert line.outcome is Outcome.LOST  # every second page goes to ben, who has e-mail alone
    assert simulate(policy(turns), directory(policy(turns)), states, START).after_s == 0
    assert line.holes[0].causes[0].person_id == pid("ben")
    safe = replace(turns, targets=(PersonTarget(pid("ana")), PersonTarget(pid("dan"))))
    assert checked(policy(safe), states).outcome is Outcome.PROVEN


def test_a_gap_is_told_with_its_hours_and_its_cause() -> None:
    one = policy(
        Step((ScheduleTarget(sid("nights")),), 300), catch_all=(PersonTarget(pid("ben")),)
    )
    line = checked(one, verified(*PEOPLE))
    assert line.outcome is Outcome.LOST
    assert line_words(line) == "there are times at which an alert wakes nobody"
    assert hole_words(line.holes[0], line.zone, directory(one)) == (
        "2026-03-27 13:00 to 21:00 (Europe/Berlin): step 1: nobody on call in nights;"
        " the catch-all: ben cannot be woken: e-mail cannot break through Do Not Disturb"
    )


def test_a_catch_all_that_wakes_somebody_is_late_and_says_by_how_much() -> None:
    one = policy(
        Step((PersonTarget(pid("ben")),), 300), Step((PersonTarget(pid("mute")),), 300),
        repeat=1, catch_all=(PersonTarget(pid("ana")),),
    )  # fmt: skip
    line = checked(one, verified(*PEOPLE))
    assert (line.outcome, line.worst_s) == (Outcome.LATE, 600)  # who is mute is not waited for
    [hole] = line.holes
    assert (hole.start_at, hole.end_at) == (START, START + timedelta(days=DAYS))
    assert [(c.step, c.kind) for c in hole.causes] == [
        (1, CauseKind.UNREACHABLE), (2, CauseKind.UNREACHABLE),
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "kind"), [("eva", CauseKind.RULES), ("gone", CauseKind.GONE)])
def test_who_has_a_method_that_their_rules_do_not_use_is_not_woken(
    name: str, kind: CauseKind
) -> None:
    line = checked(policy(Step((PersonTarget(pid(name)),), 300)), verified(*PEOPLE))
    assert line.outcome is Outcome.LOST
    assert line.holes[0].causes[0].kind is kind


def test_what_was_never_verified_proves_nothing() -> None:
    one = policy(Step((PersonTarget(pid("ana")),), 300))
    assert checked(one, verified(*PEOPLE)).outcome is Outcome.PROVEN
    line = checked(one, {})
    assert line.outcome is Outcome.LOST
    assert line.holes[0].causes[0].why == "an SMS would be urgent, but is not verified"


def test_a_route_that_is_meant_to_call_nobody_is_no_hole() -> None:
    path = Path(route="blog", policy=None, urgency=Urgency.LOW)
    [line] = prove([path], directory(policy()), {}, START, START + timedelta(days=1))
    assert line.outcome is Outcome.SILENT


def test_a_large_organisation_is_proven_in_seconds() -> None:
    """Measured by bench/assurance.py; here only that it comes out whole."""
    rotas = [
        schedule(
            layer(pid("ana"), pid("ben"), starts_at_local=f"2026-01-05T{n % 24:02}:00"),
            name=f"s{n}",
        )
        for n in range(10)
    ]
    found = {
        f"p{n}": replace(
            policy(
                Step((ScheduleTarget(rotas[n % 10].id),), 300),
                Step((ScheduleTarget(rotas[(n + 3) % 10].id),), 600),
                catch_all=(PersonTarget(pid("ana")),),
            ),
            name=f"p{n}",
        )
        for n in range(20)
    }
    known = replace(
        directory(policy()), schedules={one.id: one for one in rotas}, policies=found
    )
    paths = [Path(route=name, policy=name, urgency=Urgency.HIGH) for name in found]
    lines = prove(paths, known, verified(*PEOPLE), START, datetime(2026, 4, 26, 12, tzinfo=UTC))
    assert len(lines) == 20
    assert {one.outcome for one in lines} <= {Outcome.PROVEN, Outcome.LATE}


def test_what_is_held_over_a_public_holiday_is_proven_to_call_when_it_is_over() -> None:
    calls = policy(Step((PersonTarget(pid("ana")),), 300))
    one = replace(calls, support_hours=FRIDAY_OFF)
    states = verified(*PEOPLE)
    assert checked(one, states, Urgency.LOW).outcome is Outcome.PROVEN
    held, called = simulate(one, directory(one), states, START, Urgency.LOW).calls[:2]
    assert (held.held_until, held.holiday) == (at("2026-03-30T07:00"), "Armed Forces Day")
    assert called.at == held.held_until
    never = replace(one, support_hours=(replace(FRIDAY_OFF[0], weekdays=()),))
    page = simulate(never, directory(never), states, START, Urgency.LOW)
    assert page.calls[0].at == START, "hours that never come hold nothing back"
