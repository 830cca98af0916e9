"""Whom a page calls when: rules, urgency, quiet hours, support hours, turns; the pure step alone."""

from datetime import timedelta

from climbing_world import (
    ASLEEP,
    NIGHT,
    NOON,
    OFFICE,
    SPACE,
    calls,
    ended,
    id_of,
    ladder,
    low,
    of,
    page,
    person,
    row,
)
from msgspec.structs import replace

from tocsin.kernel.ids import PolicyId
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core import effects, inputs
from tocsin.oncall.core.page import step
from tocsin.oncall.model import (
    CallReason,
    NotificationState,
    PageState,
    PersonTarget,
    Rule,
    Step,
    TeamTarget,
    TimerKind,
    WebhookTarget,
)


def test_who_has_no_rules_is_told_by_the_first_method_at_once() -> None:
    found = step(page(), inputs.Trigger(ladder([person("ana")], [calls("ana")])), NOON)
    [notify] = of(found, effects.Notify)
    assert (notify.method, notify.rule, notify.due_at) == (0, 0, None)


def test_rules_are_told_each_at_its_instant_and_by_urgency() -> None:
    ana = person("ana", high=(Rule(0, 0), Rule(120, 1)), low=(Rule(0, 2),))
    now = inputs.Trigger(ladder([ana], [calls("ana")]))
    high = of(step(page(), now, NOON), effects.Notify)
    assert [(one.method, one.rule) for one in high] == [(0, 0), (1, 1)]
    assert [one.due_at for one in high] == [None, NOON + timedelta(minutes=2)]
    assert [one.method for one in of(step(low(), now, NOON), effects.Notify)] == [2]


# Grafana #934: the next step cancelled the user's later methods, so that the call was never made.
def test_the_next_step_leaves_the_rules_of_the_one_before_alone() -> None:
    ana = person("ana", high=(Rule(0, 0), Rule(600, 1)))
    rungs = ladder([ana, person("ben")], [calls("ana"), calls("ben")])
    first, _ = step(page(), inputs.Trigger(rungs), NOON)
    later = step(first, inputs.StepDue(1, rungs), NOON + timedelta(minutes=5))
    assert later[0].epoch == first.epoch  # what waits of the first step is not fenced off
    assert not of(later, effects.Hurry)


def test_a_method_that_failed_is_followed_by_the_next_rule_now() -> None:
    ana = person("ana", high=(Rule(0, 0), Rule(120, 1)))
    first, found = step(page(), inputs.Trigger(ladder([ana], [calls("ana")])), NOON)
    rows = [row(one) for one in found if isinstance(one, effects.Notify)]
    after = step(first, ended(ana, rows[0], rows), NOON)
    [hurry] = of(after, effects.Hurry)
    assert (hurry.notification_id, hurry.due_at) == (rows[1].id, NOON)


def test_when_all_rules_have_failed_what_they_do_not_name_is_tried_and_then_the_next_step() -> (
    None
):
    ana = person("ana", high=(Rule(0, 0), Rule(120, 1)))
    first, found = step(page(), inputs.Trigger(ladder([ana], [calls("ana")])), NOON)
    rows = [row(one) for one in found if isinstance(one, effects.Notify)]
    failed = [replace(rows[0], state=NotificationState.FAILED), rows[1]]
    after = step(first, ended(ana, replace(rows[1], attempt_count=1), failed), NOON)
    [notify] = of(after, effects.Notify)
    assert notify.method == 2
    last = row(notify)
    given_up = [replace(one, state=NotificationState.FAILED) for one in rows]
    after = step(first, ended(ana, last, [*given_up, last]), NOON)
    [pulled] = of(after, effects.PullForward)
    assert (pulled.kind, pulled.due_at) == (TimerKind.STEP, NOON)


def test_a_low_page_is_held_until_support_hours_and_then_calls() -> None:
    steps = [calls("ana")]
    closed = ladder([person("ana")], steps, NIGHT, support_hours=OFFICE)
    held = step(low(), inputs.Trigger(closed), NIGHT)
    opens_at = NIGHT.replace(hour=9)
    assert (held[0].state, held[0].waits_until) == (PageState.HELD, opens_at)
    assert not of(held, effects.Notify)
    assert of(held, effects.SetTimer) == [effects.SetTimer(TimerKind.OPENING, opens_at, 1)]
    opened = ladder([person("ana")], steps, opens_at, support_hours=OFFICE)
    after = step(held[0], inputs.OpeningDue(1, opened), opens_at)
    assert after[0].state is PageState.TRIGGERED
    assert len(of(after, effects.Notify)) == 1


def test_a_high_page_ignores_support_hours_and_quiet_hours() -> None:
    ana = person("ana", quiet=ASLEEP)
    closed = ladder([ana], [calls("ana")], NIGHT, support_hours=OFFICE)
    found = step(page(), inputs.Trigger(closed), NIGHT)
    assert found[0].state is PageState.TRIGGERED
    assert [one.due_at for one in of(found, effects.Notify)] == [None]


def test_a_low_page_is_held_while_all_have_quiet_hours_and_waits_only_for_who_has() -> None:
    ana, ben = person("ana", quiet=ASLEEP), person("ben")
    alone = step(low(), inputs.Trigger(ladder([ana], [calls("ana")], NIGHT)), NIGHT)
    wakes_at = NIGHT.replace(hour=7)
    assert (alone[0].state, alone[0].waits_until) == (PageState.HELD, wakes_at)
    both = ladder([ana, ben], [calls("ana", "ben")], NIGHT)
    found = step(low(), inputs.Trigger(both), NIGHT)
    due = {one.person_id: one.due_at for one in of(found, effects.Notify)}
    assert due == {id_of("ana"): wakes_at, id_of("ben"): None}


def test_a_step_of_low_urgency_in_a_high_page_passes_over_who_sleeps() -> None:
    ana = person("ana", quiet=ASLEEP)
    steps = [calls("ana", urgency=Urgency.LOW), calls("ben")]
    found = step(page(), inputs.Trigger(ladder([ana, person("ben")], steps, NIGHT)), NIGHT)
    assert [one.person_id for one in of(found, effects.Notify)] == [id_of("ben")]
    assert len(of(found, effects.NobodyAt)) == 1


def test_a_page_whose_urgency_is_raised_is_called_at_once() -> None:
    ana = person("ana", quiet=ASLEEP)
    closed = ladder([ana], [calls("ana")], NIGHT, support_hours=OFFICE)
    held, _ = step(low(), inputs.Trigger(closed), NIGHT)
    found = step(held, inputs.Raise(closed), NIGHT)
    assert found[0].state is PageState.TRIGGERED
    assert (found[0].urgency, found[0].epoch) == (Urgency.HIGH, 2)
    assert found[0].called_for is CallReason.RAISED
    assert [one.due_at for one in of(found, effects.Notify)] == [None]


def test_who_asks_for_the_next_step_of_a_held_page_gets_it() -> None:
    closed = ladder([person("ana")], [calls("ana")], NIGHT, support_hours=OFFICE)
    held, _ = step(low(), inputs.Trigger(closed), NIGHT)
    found = step(held, inputs.Escalate(None, closed), NIGHT)
    assert found[0].state is PageState.TRIGGERED


# Grafana #4654, #4760: pages went on after the acknowledgement.
def test_a_snooze_fences_off_all_that_was_queued_and_its_end_calls_the_first_step() -> None:
    rungs = ladder([person("ana"), person("ben")], [calls("ana"), calls("ben")])
    first, _ = step(page(), inputs.Trigger(rungs), NOON)
    second, _ = step(first, inputs.StepDue(1, rungs), NOON)
    until = NOON + timedelta(hours=1)
    snoozed, found = step(second, inputs.Snooze(id_of("ana"), until), NOON)
    assert (snoozed.state, snoozed.epoch) == (PageState.SNOOZED, 2)
    assert effects.SetTimer(TimerKind.SNOOZE, until, 2) in found
    assert of(step(snoozed, inputs.StepDue(1, rungs), NOON), effects.Stale)
    again = step(snoozed, inputs.SnoozeOver(2, rungs), until)
    assert (again[0].state, again[0].step, again[0].epoch) == (PageState.TRIGGERED, 0, 3)
    assert again[0].called_for is CallReason.SNOOZE_OVER


# Grafana #3161: an acknowledgement that raced a resolve un-resolved the group.
def test_nothing_that_people_do_reopens_what_is_over() -> None:
    rungs = ladder([person("ana")], [calls("ana")])
    first, _ = step(page(), inputs.Trigger(rungs), NOON)
    over, _ = step(first, inputs.Resolve(), NOON)
    late: list[inputs.Input] = [
        inputs.Acknowledge(id_of("ana"), 60),
        inputs.Snooze(id_of("ana"), NOON + timedelta(hours=1)),
        inputs.HandBack(id_of("ana"), rungs),
        inputs.Escalate(id_of("ana"), rungs),
        inputs.Raise(rungs),
        inputs.OpeningDue(over.epoch, rungs),
        inputs.SnoozeOver(over.epoch, rungs),
        inputs.Reassign(
            by=None, ladder=rungs, target=PersonTarget(id_of("ana")), policy_id=PolicyId(SPACE),
            asked_person=None, ticket=0,
        ),
    ]  # fmt: skip
    for one in late:
        assert step(over, one, NOON)[0] == over


def test_who_hands_a_page_back_lets_it_call_again() -> None:
    rungs = ladder([person("ana")], [calls("ana")])
    first, _ = step(page(), inputs.Trigger(rungs), NOON)
    taken, _ = step(first, inputs.Acknowledge(id_of("ana"), 60), NOON)
    back = step(taken, inputs.HandBack(id_of("ana"), rungs), NOON)
    assert (back[0].state, back[0].acknowledged_by) == (PageState.TRIGGERED, None)
    assert len(of(back, effects.Notify)) == 1
    assert of(step(first, inputs.HandBack(None, rungs), NOON), effects.Stale)


def test_each_new_page_of_a_round_robin_begins_with_the_next_person_and_goes_on_from_there() -> (
    None
):
    people = [person(name) for name in ("ana", "ben", "cy")]
    turns = [calls("ana", "ben", "cy", round_robin=True, again=n, calls=2) for n in range(2)]
    rungs = ladder(people, turns)
    called = []
    for ticket in range(4):
        first, found = step(page(ticket=ticket), inputs.Trigger(rungs), NOON)
        again = step(first, inputs.StepDue(1, rungs), NOON)
        names = [*found, *again[1]]
        called.append([one.person_id for one in names if isinstance(one, effects.Notify)])
    order = [id_of(name) for name in ("ana", "ben", "cy")]
    assert called == [[order[n % 3], order[(n + 1) % 3]] for n in range(4)]


def test_a_webhook_is_told_and_counts_as_nobody_reached() -> None:
    hook = Step((WebhookTarget("https://hooks.example.org/x"),), 300)
    rungs = ladder([person("ana")], [hook, calls("ana")])
    found = step(page(), inputs.Trigger(rungs), NOON)
    [told] = of(found, effects.TellUrl)
    assert (told.rung.step, told.target) == (0, 0)
    assert found[0].step == 1  # the next step came at once
    assert [one.person_id for one in of(found, effects.Notify)] == [id_of("ana")]


# Grafana #1503: with several targets of which one failed the primary was not notified.
def test_a_team_is_all_its_members_and_a_broken_target_costs_no_other_its_call() -> None:
    people = [person("ana"), person("ben")]
    targets = (PersonTarget(id_of("gone")), TeamTarget("sre"), TeamTarget("nobody"))
    found = step(page(), inputs.Trigger(ladder(people, [Step(targets, 300)])), NOON)
    called = {one.person_id for one in of(found, effects.Notify)}
    assert called == {id_of("ana"), id_of("ben")}
    [fact] = of(found, effects.Escalated)
    assert len(fact.missing) == 2


# GoAlert #4548, cabot #518: nobody on duty, and the whole delay was waited, without any error.
def test_nobody_at_all_is_an_alarm_at_once_also_for_what_is_low() -> None:
    nobody = ladder([], [calls("gone")], NIGHT, catch_all=(), support_hours=OFFICE)
    for one in (page(), low()):
        found = step(one, inputs.Trigger(nobody), NIGHT)
        assert of(found, effects.Unpageable)
        assert of(found, effects.SetTimer)


def test_the_catch_all_of_a_low_page_waits_for_support_hours_too() -> None:
    rungs = ladder([person("ana")], [calls("ana")], support_hours=OFFICE)
    first, _ = step(low(), inputs.Trigger(rungs), NOON)
    evening = NOON.replace(hour=17)
    closed = ladder([person("ana")], [calls("ana")], evening, support_hours=OFFICE)
    held = step(first, inputs.StepDue(1, closed), evening)
    assert held[0].state is PageState.HELD
    assert held[0].waits_until == NOON.replace(day=4, hour=9)
    assert not of(held, effects.Unpageable)
