"""A message that waited until its page called again is given up, and holds up nobody else.

It is not sent any more, for the later one tells the same. Whoever else was called with it, and
the later message itself, may fail for good all the same: then that must be said, and followed.
"""

import pytest
from page_tables import Org, Row
from page_world import World as Pages
from page_world import deliver, facts, person_id, triggered, wait
from test_provider_down import ONLY_MAIL, break_down

from fakes.world import NOON, World, running
from tocsin.oncall.core.effects import (
    PersonUnreachable,
    PullForward,
    Unpageable,
    UnpageableReason,
)
from tocsin.oncall.model import MethodKind
from tocsin.oncall.ports import Outcome, Outgoing, PermanentFailure

ONE_EACH = {"ana": 1, "ben": 1, "boss": 1, "deputy": 1}
STEP = Org(steps=[(["ana", "ben"], 300)], methods=ONE_EACH, repeat=2)
CATCH_ALL = Org(steps=[], methods=ONE_EACH, catch_all=("boss", "deputy"), catch_every=600)


def overtaken(world: Pages, user: str) -> Row:
    """Let the first message of somebody be given up, as a worker does that finds a later one."""
    row = next(one for one in world.rows if one.user == user)
    assert row.state == "queued"
    row.state = "suppressed"
    return row


def unreachable(world: Pages) -> list[tuple[str, int, int]]:
    """Who could not be reached, in which loop and round of the catch-all."""
    return [
        (world.name(one.person_id), one.rung.loop, one.rung.catch)
        for one in facts(world, PersonUnreachable)
    ]


def pending(world: Pages) -> list[int]:
    return [timer.due for timer in world.timers if not timer.done]


def test_where_the_first_was_overtaken_and_the_second_fails_the_next_step_does_not_wait() -> (
    None
):
    world = triggered(STEP)
    overtaken(world, "ana")
    deliver(world, "ben", "permanent", 7)
    assert unreachable(world) == [("ben", 0, 0)]
    assert pending(world) == [7]


def test_where_the_first_was_overtaken_and_the_second_fails_in_the_catch_all_that_is_an_alarm() -> (
    None
):
    world = triggered(CATCH_ALL)
    overtaken(world, "boss")
    deliver(world, "deputy", "permanent", 7)
    assert unreachable(world) == [("deputy", 0, 1)]
    [alarm] = facts(world, Unpageable)
    assert alarm.reason is UnpageableReason.ALL_FAILED
    assert pending(world) == [600]  # and it is called on


@pytest.mark.parametrize("first", ["ana", "ben"])
def test_a_rung_that_was_left_behind_says_who_was_not_reached_and_hurries_nobody(
    first: str,
) -> None:
    second = "ben" if first == "ana" else "ana"
    world = triggered(STEP)
    deliver(world, first, "down for long", 1)
    wait(world)  # both are called again
    overtaken(world, first)
    deliver(world, second, "permanent", 301)
    assert unreachable(world) == [(second, 0, 0)]
    assert not facts(world, PullForward)
    assert pending(world) == [600]


def test_the_later_messages_fail_as_if_there_had_been_none_before() -> None:
    world = triggered(STEP)
    deliver(world, "ana", "down for long", 1)
    wait(world)
    overtaken(world, "ana")
    for user, at in (("ben", 301), ("ana", 302), ("ben", 303)):  # ben's first one, then the new
        deliver(world, user, "permanent", at)
    assert unreachable(world) == [("ben", 0, 0), ("ana", 1, 0), ("ben", 1, 0)]
    assert pending(world) == [303]


def test_the_catch_all_that_was_called_again_is_an_alarm_when_all_of_it_has_failed() -> None:
    world = triggered(CATCH_ALL)
    deliver(world, "boss", "down", 1)
    wait(world)
    overtaken(world, "boss")
    deliver(world, "deputy", "permanent", 601)  # of the round before: the new one has its time
    assert unreachable(world) == [("deputy", 0, 1)]
    assert not facts(world, Unpageable)
    deliver(world, "boss", "permanent", 602)
    assert not facts(world, Unpageable)
    deliver(world, "deputy", "permanent", 603)
    assert unreachable(world)[1:] == [("boss", 0, 2), ("deputy", 0, 2)]
    assert [one.reason for one in facts(world, Unpageable)] == [UnpageableReason.ALL_FAILED]


def test_who_was_overtaken_and_told_by_the_later_message_is_not_unreachable() -> None:
    world = triggered(STEP)
    deliver(world, "ana", "down", 1)
    wait(world)
    overtaken(world, "ana")
    deliver(world, "ben", "permanent", 301)
    deliver(world, "ana", "sent", 302)
    deliver(world, "ben", "permanent", 303)
    assert person_id("ana") not in {one.person_id for one in facts(world, PersonUnreachable)}
    assert pending(world) == [600]  # somebody was told: the step has its time


TWO = """
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: default}
spec:
  steps: [{targets: [{person: maya}, {person: boss}], timeout: 20s}]
  repeat: 1
  catchAll: [{person: boss}]
"""


class Refuses:
    """A provider that has no such address."""

    async def send(self, message: Outgoing) -> Outcome:
        return PermanentFailure(f"no such address: {message.to}")


@pytest.mark.db
async def test_nobody_is_waited_for_once_the_first_is_overtaken_and_all_others_have_failed(
    dsn: str,
) -> None:
    async with running(dsn) as world:
        await world.apply(ONLY_MAIL)
        await world.apply(TWO)
        await break_down(world)
        world.channels[MethodKind.WEBHOOK] = Refuses()
        await fire(world)
        await world.forward(seconds=21)  # called again; maya's first message waits for its time
        world.channels[MethodKind.EMAIL] = Refuses()
        await world.forward(seconds=10)
        states = await world.rows(
            "SELECT kind, loop, state FROM oncall.notifications WHERE catch = 0 ORDER BY id"
        )
        assert states == [
            ("email", 0, "suppressed"), ("webhook", 0, "failed"),
            ("email", 1, "failed"), ("webhook", 1, "failed"),
        ]  # fmt: skip
        story = await world.story()
        assert story.count("oncall.person_unreachable") == 4
        assert story.count("oncall.page_unpageable") == 1


async def fire(world: World) -> None:
    labels = {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"}
    await world.signal(labels, ends_at=NOON.replace(year=NOON.year + 1))
