"""What follows when an attempt to tell somebody ends."""

from msgspec.structs import replace
from page_tables import Org
from page_world import NOON, SPACE, deliver, facts, person_id, triggered, two_steps, wait

from tocsin.kernel.ids import NotificationId, PageId
from tocsin.oncall.core.effects import (
    MethodFailed,
    MethodSent,
    PersonUnreachable,
    PullForward,
    Retry,
    Stale,
    Unpageable,
    UnpageableReason,
)
from tocsin.oncall.model import MethodKind, Notification, key


def test_the_alarm_is_raised_when_the_whole_catch_all_fails_and_it_is_called_on() -> None:
    world = triggered(Org(steps=[], methods={"boss": 1}))
    deliver(world, "boss", "permanent")
    assert facts(world, Unpageable)[0].reason is UnpageableReason.ALL_FAILED
    assert [t.due for t in world.timers if not t.done] == [10]


# VA notification-api #1703: a permanent error was tried again for 24 hours.
def test_a_failed_method_is_followed_by_the_next_one_and_no_timer_moves() -> None:
    world = triggered(two_steps())
    deliver(world, "ana", "permanent", 3)
    assert [(row.method, row.state) for row in world.rows] == [(0, "failed"), (1, "queued")]
    assert facts(world, MethodFailed)[0].permanent is True
    assert [t.due for t in world.timers] == [300]


def test_a_transient_failure_is_tried_again_twice_then_the_next_method() -> None:
    world = triggered(two_steps())
    deliver(world, "ana", "transient", 0)
    deliver(world, "ana", "transient", 5)
    deliver(world, "ana", "transient", 25)
    retries = [(e.attempt_count, (e.due_at - NOON).seconds) for e in facts(world, Retry)]
    assert retries == [(1, 5), (2, 25)]
    assert [(row.method, row.state) for row in world.rows] == [(0, "failed"), (1, "queued")]


def test_when_everybody_of_a_step_has_failed_the_next_step_does_not_wait() -> None:
    world = triggered(two_steps())
    wait(world)
    deliver(world, "ben", "permanent", 301)
    assert not facts(world, PullForward)
    deliver(world, "cy", "permanent", 302)
    assert len(facts(world, PersonUnreachable)) == 2
    assert [t.due for t in world.timers if not t.done] == [302]


def test_one_who_was_reached_keeps_the_step_waiting() -> None:
    world = triggered(two_steps())
    wait(world)
    deliver(world, "ben", "sent", 301)
    deliver(world, "cy", "permanent", 302)
    assert not facts(world, PullForward)


def test_a_rung_left_behind_may_fail_without_hurrying_the_present_one() -> None:
    world = triggered(two_steps())
    wait(world)
    deliver(world, "ana", "permanent", 301)
    deliver(world, "ana", "permanent", 302)
    assert facts(world, PersonUnreachable)
    assert not facts(world, PullForward)


def test_an_outcome_after_the_acknowledgement_is_kept_but_nothing_follows() -> None:
    world = triggered(two_steps())
    row = world.rows[0]
    assert world.claim(row, 0)
    world.ack("ana", 1)
    for outcome, state in (("transient", "failed"), ("permanent", "failed"), ("sent", "sent")):
        world.on_end(row, outcome, 2)
        assert row.state == state
    assert len(world.rows) == 1
    assert [type(e) for _, e in world.log[-5:]] == [
        MethodFailed, Stale, MethodFailed, Stale, MethodSent,
    ]  # fmt: skip


def test_a_key_names_page_rung_person_rule_and_method() -> None:
    n = Notification(
        id=NotificationId(SPACE),
        page_id=PageId(SPACE),
        epoch=1,
        loop=0,
        step=0,
        catch=0,
        person_id=person_id("ana"),
        method=1,
        kind=MethodKind.EMAIL,
        queued_at=NOON,
    )
    who = person_id("ana")
    assert key(n) == f"{SPACE}/e1/l0/s0/{who}/r0/m1"
    called = replace(n, step=-1, catch=2)
    assert key(called) == f"{SPACE}/e1/l0/c2/{who}/r0/m1"
