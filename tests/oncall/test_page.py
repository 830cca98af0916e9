"""The rules of a page, one by one: values in, values out."""

from hypothesis import given
from hypothesis import strategies as st
from page_tables import Org
from page_world import (
    NOON,
    SPACE,
    facts,
    ladder_of,
    person_id,
    triggered,
    two_steps,
    wait,
)

from tocsin.kernel.ids import IncidentId, PageId, PolicyId
from tocsin.oncall.core.effects import (
    Acknowledged,
    AcknowledgeExpired,
    AlreadyAcknowledged,
    AlreadyResolved,
    CatchAllCalled,
    Escalated,
    EscalationAsked,
    LoopRestarted,
    NobodyAt,
    Notify,
    Opened,
    Resolved,
    Retriggered,
    RetriggersSpent,
    SetTimer,
    Stale,
    StaleReason,
    Unpageable,
    UnpageableReason,
)
from tocsin.oncall.core.fence import fenced
from tocsin.oncall.core.inputs import Trigger
from tocsin.oncall.core.ladder import MissingReason
from tocsin.oncall.core.page import CATCH_ALL_PATIENCE, RETRIGGERS_MAX, new_page, step, witness
from tocsin.oncall.model import (
    Page,
    PageState,
    RungKey,
    TimerKind,
)

NAMES = ("ana", "ben", "cy", "dee")
names = st.lists(st.sampled_from(NAMES), max_size=3)
orgs = st.builds(
    Org,
    steps=st.lists(st.tuples(names, st.integers(1, 900)), max_size=5),
    methods=st.fixed_dictionaries({name: st.integers(0, 2) for name in (*NAMES, "boss")}),
    repeat=st.integers(0, 3),
    catch_every=st.integers(1, 900),
    ack_timeout=st.integers(1, 900),
)


def rung(epoch: int = 1, loop: int = 0, at: int = 0, catch: int = 0) -> RungKey:
    return RungKey(epoch=epoch, loop=loop, step=at, catch=catch)


@given(orgs)
def test_an_unanswered_page_tries_every_rung_once_per_loop_then_the_catch_all(
    org: Org,
) -> None:
    world = triggered(org)
    due: list[int] = [0]
    while world.page.catch < 3:
        due.append(wait(world))
    stations = [
        (loop, at)
        for loop in range(org.repeat + 1)
        for at, (who, _) in enumerate(org.steps)
        if org.live(who)
    ]
    called = facts(world, Escalated)
    assert [(e.rung.loop, e.rung.step) for e in called] == stations
    assert [list(e.people) for e in called] == [
        [person_id(name) for name in org.live(org.steps[at][0])] for _, at in stations
    ]
    at, expected = 0, [0]
    for _, index in stations:
        at += org.steps[index][1]
        expected.append(at)
    assert due == [*expected, at + org.catch_every, at + 2 * org.catch_every]


@given(orgs)
def test_an_unanswered_page_pages_for_ever_and_raises_one_alarm(org: Org) -> None:
    world = triggered(org)
    while world.page.catch < 10:
        wait(world)
    assert world.alarms == 1
    assert world.page.is_open
    calls = [e.rung.catch for e in facts(world, CatchAllCalled)]
    assert calls == (list(range(1, 11)) if org.live(org.catch_all) else [])


@given(orgs, st.integers(0, 12))
def test_an_open_page_always_has_one_timer_of_its_epoch(org: Org, waits: int) -> None:
    world = triggered(org)
    for _ in range(waits):
        wait(world)
    pending = [t.kind for t in world.timers if not t.done and t.epoch == world.page.epoch]
    assert pending == [witness(world.page)]


@given(orgs, st.integers(0, 8))
def test_an_acknowledgement_fences_all_that_was_queued_and_set(org: Org, waits: int) -> None:
    world = triggered(org)
    for _ in range(waits):
        wait(world)
    world.ack("ana", 1000)
    world.log.clear()
    rows, page = len(world.rows), world.page
    for timer in [t for t in world.timers if not t.done and t.kind != "ack_timeout"]:
        world.fire(timer, 5000)
    assert {fenced(page, row.rung[0]) for row in world.rows} <= {StaleReason.ACKNOWLEDGED}
    assert (len(world.rows), world.page) == (rows, page)
    assert all(isinstance(effect, Stale) for _, effect in world.log)


@given(orgs, st.integers(0, 8), st.integers(1, 10_000))
def test_a_late_timer_climbs_one_rung_and_waits_its_whole_time(
    org: Org, waits: int, late_s: int
) -> None:
    world = triggered(org)
    for _ in range(waits):
        wait(world)
    timer = next(t for t in world.timers if not t.done)
    world.log.clear()
    now = timer.due + late_s
    world.fire(timer, now)
    assert len(facts(world, Escalated)) + len(facts(world, CatchAllCalled)) <= 1
    timers = facts(world, SetTimer)
    assert len(timers) == 1
    assert {e.rung for e in facts(world, Notify)} <= {world.page.rung}
    assert not world.due(now)


def test_a_new_page_calls_its_first_step_in_the_same_step() -> None:
    page = new_page(
        page_id=PageId(SPACE),
        incident_id=IncidentId(SPACE),
        policy_id=PolicyId(SPACE),
        now=NOON,
    )
    page, effects = step(page, Trigger(ladder_of(two_steps())), NOON)
    assert (page.state, page.epoch, page.step) == (PageState.TRIGGERED, 1, 0)
    assert [type(effect) for effect in effects] == [Opened, Escalated, Notify, SetTimer]


def test_a_second_trigger_changes_nothing() -> None:
    world = triggered(two_steps())
    before = world.snapshot()
    world.on_trigger(10)
    assert world.snapshot() == before
    assert facts(world, Stale)[-1].reason is StaleReason.TRIGGERED_BEFORE


def test_a_step_without_anybody_is_passed_over_at_once_and_says_why() -> None:
    org = Org(
        steps=[([], 300), (["ghost"], 300), (["ana"], 300)], methods={"ana": 1, "ghost": 0}
    )
    world = triggered(org)
    assert [e.rung.step for e in facts(world, NobodyAt)] == [0, 1]
    assert facts(world, NobodyAt)[1].missing[0].reason is MissingReason.NO_METHOD
    assert [(row.user, row.rung) for row in world.rows] == [("ana", (1, 0, 2, 0))]
    assert world.page.state is PageState.ESCALATING


def test_a_policy_that_reaches_nobody_raises_the_alarm_at_once_and_stays_open() -> None:
    org = Org(steps=[([], 300)], methods={}, repeat=9, catch_all=(), catch_every=600)
    world = triggered(org)
    alarm = facts(world, Unpageable)
    assert [e.reason for e in alarm] == [UnpageableReason.NOBODY_REACHABLE]
    assert not facts(world, LoopRestarted)
    assert [(t.kind, t.due) for t in world.timers] == [("catch", 600)]


def test_the_catch_all_pages_as_soon_as_it_can_be_reached_again() -> None:
    org = Org(steps=[], methods={"boss": 0}, catch_every=600)
    world = triggered(org)
    assert not world.rows
    org.methods["boss"] = 1
    wait(world)
    assert [row.rung for row in world.rows] == [(1, 0, -1, 2)]


def test_the_alarm_is_raised_when_the_catch_all_stays_silent() -> None:
    world = triggered(Org(steps=[], methods={"boss": 1}))
    while not world.alarms:
        wait(world)
    assert world.page.catch == CATCH_ALL_PATIENCE + 1
    assert facts(world, Unpageable)[0].reason is UnpageableReason.UNANSWERED
    assert len(world.rows) == CATCH_ALL_PATIENCE + 1


def test_the_second_who_acknowledges_helps_and_moves_no_epoch() -> None:
    world = triggered(two_steps())
    world.ack("ana", 10)
    page = world.page
    world.ack("ben", 20)
    assert world.page == page
    assert world.log[-1][1] == AlreadyAcknowledged(person_id("ben"), person_id("ana"))


def test_an_acknowledgement_after_the_resolve_reopens_nothing() -> None:
    world = triggered(two_steps())
    world.resolve(10)
    page = world.page
    world.ack("ana", 20)
    world.resolve(30)
    world.escalate("ana", 40)
    assert world.page == page
    assert [e for _, e in world.log[-3:]] == [AlreadyResolved(page.resolved_at)] * 3


def test_an_acknowledgement_that_runs_out_calls_from_the_first_step_again() -> None:
    world = triggered(two_steps())
    wait(world)
    world.ack("ana", 400)
    assert isinstance(world.log[-2][1], Acknowledged)
    assert wait(world) == 400 + 1800
    page = world.page
    assert (page.state, page.epoch, page.step) == (PageState.TRIGGERED, 3, 0)
    assert (page.acknowledged_by, page.acknowledged_at) == (None, None)
    assert facts(world, AcknowledgeExpired) == [AcknowledgeExpired(person_id("ana"), 1)]
    assert world.rows[-1].rung == (3, 0, 0, 0)


def test_an_acknowledgement_runs_out_only_so_often() -> None:
    world = triggered(two_steps())
    for _ in range(RETRIGGERS_MAX + 1):
        world.ack("ana", 0)
        wait(world)
    assert world.page.state is PageState.ACKNOWLEDGED
    assert len(facts(world, AcknowledgeExpired)) == RETRIGGERS_MAX
    assert world.log[-1][1] == RetriggersSpent(person_id("ana"), RETRIGGERS_MAX)


def test_an_acknowledgement_without_a_timeout_never_runs_out() -> None:
    org = two_steps()
    org.ack_timeout = 0
    world = triggered(org)
    world.ack("ana", 400)
    assert world.log[-1][1] == Acknowledged(person_id("ana"), None)
    assert witness(world.page) is None


def test_a_resolve_says_who_had_the_page() -> None:
    world = triggered(two_steps())
    world.ack("ana", 400)
    world.resolve(500)
    assert world.log[-1][1] == Resolved(person_id("ana"))
    assert witness(world.page) is None


def test_a_reopened_incident_calls_from_the_first_step_again() -> None:
    world = triggered(two_steps())
    wait(world)
    world.resolve(400)
    world.retrigger(500)
    assert (world.page.state, world.page.epoch) == (PageState.TRIGGERED, 3)
    assert world.page.resolved_at is None
    assert facts(world, Retriggered) == [Retriggered()]
    world.retrigger(600)
    assert facts(world, Stale)[-1].reason is StaleReason.STILL_OPEN


def test_who_asks_for_the_next_step_gets_it_now_and_the_old_timer_is_void() -> None:
    world = triggered(two_steps())
    world.escalate("ana", 60)
    assert world.page.rung == rung(epoch=2, at=1)
    assert facts(world, EscalationAsked) == [EscalationAsked(person_id("ana"))]
    world.fire(world.timers[0], 300)
    assert world.page.rung == rung(epoch=2, at=1)


def test_an_acknowledged_page_can_be_handed_up() -> None:
    world = triggered(two_steps())
    world.ack("ana", 30)
    world.escalate("ana", 60)
    assert world.page.state is PageState.ESCALATING
    assert world.page.acknowledged_by is None
    assert [row.user for row in world.rows[1:]] == ["ben", "cy"]


def test_a_policy_cut_short_meanwhile_goes_on_to_the_catch_all() -> None:
    org = two_steps()
    world = triggered(org)
    wait(world)
    org.steps = []
    wait(world)
    assert world.page.rung == rung(at=-1, catch=1)


def test_the_witness_of_an_open_page_is_its_present_rung() -> None:
    world = triggered(Org(steps=[], methods={"boss": 1}))
    assert witness(world.page) is TimerKind.CATCH
    page: Page = triggered(two_steps()).page
    assert witness(page) is TimerKind.STEP


def test_a_timer_of_another_kind_or_of_an_older_epoch_moves_nothing() -> None:
    world = triggered(two_steps())
    page = world.page
    world.on_due("catch", page.epoch, 10)
    assert world.page == page
    world.ack("ana", 20)
    world.retrigger(30)
    world.ack("ben", 40)
    page = world.page
    world.on_due("ack_timeout", page.epoch - 2, 50)
    assert world.page == page
    reasons = [stale.reason for stale in facts(world, Stale)]
    assert reasons == [StaleReason.OTHER_RUNG, StaleReason.OLDER_EPOCH]
