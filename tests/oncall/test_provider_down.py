"""A provider that is left alone costs nobody a try: pages wait for it, or go by another method."""

from datetime import timedelta

import pytest
from climbing_world import KINDS, NOON, calls, ladder, of, page, person, row
from msgspec.structs import replace
from page_tables import Org
from page_world import deliver, facts, triggered, two_steps

from fakes.world import NOON as TODAY
from fakes.world import World, running
from tocsin.kernel.metrics import ATTEMPTS
from tocsin.oncall.core import effects, inputs
from tocsin.oncall.core.breaker import FAILURES_MAX
from tocsin.oncall.core.page import step
from tocsin.oncall.model import MethodKind
from tocsin.oncall.ports import Outcome, Outgoing, Sent, TransientFailure

FIRE = {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"}
MAYA = "maya@example.org"
LONG = inputs.TransientFailure("left alone", retry_after_s=200, skipped=True)
ALONE = Org(steps=[(["ana"], 900)], methods={"ana": 1, "boss": 1}, repeat=0)


def test_what_nobody_was_asked_is_no_try() -> None:
    world = triggered(ALONE)
    for at in (0, 30, 60, 90):
        deliver(world, "ana", "down", at)
    assert [(row.state, row.not_before) for row in world.rows] == [("queued", 120)]
    deliver(world, "ana", "transient", 120)  # it is asked again: the first of three tries
    deliver(world, "ana", "transient", 125)
    assert world.rows[0].state == "queued"
    deliver(world, "ana", "transient", 145)
    assert world.rows[0].state == "failed"


def test_a_step_that_waits_for_a_provider_has_its_time_and_no_more() -> None:
    world = triggered(ALONE)
    deliver(world, "ana", "down", 1)
    assert not facts(world, effects.PullForward)
    assert [timer.due for timer in world.timers] == [900]


def test_where_everybody_waits_for_long_the_next_step_does_not() -> None:
    world = triggered(replace_steps([(["ana", "ben"], 900)]))
    deliver(world, "ana", "down for long", 1)
    assert not facts(world, effects.PullForward)  # ben is being told
    deliver(world, "ben", "permanent", 2)
    assert [timer.due for timer in world.timers if not timer.done] == [2]
    assert [(row.user, row.state) for row in world.rows] == [
        ("ana", "queued"), ("ben", "failed"),
    ]  # fmt: skip


def test_a_retry_and_a_short_wait_are_waited_for() -> None:
    for ana, ben in (("transient", "down for long"), ("down", "permanent")):
        world = triggered(replace_steps([(["ana", "ben"], 900)]))
        deliver(world, "ana", ana, 1)
        deliver(world, "ben", ben, 2)
        assert not facts(world, effects.PullForward)


def test_a_person_whose_last_method_fails_while_another_waits_for_long_holds_up_nobody() -> (
    None
):
    world = triggered(Org(steps=[(["ana"], 900)], methods={"ana": 2, "boss": 1}, repeat=0))
    first = world.rows[0]
    assert world.claim(first, 0)
    world.on_end(first, "sent", 0)
    world.on_end(first, "unconfirmed", 60)
    deliver(world, "ana", "down for long", 61)
    assert not facts(world, effects.PullForward)  # the first may have arrived
    world.on_end(first, "permanent", 62)
    assert [timer.due for timer in world.timers if not timer.done] == [62]
    assert not facts(world, effects.PersonUnreachable)  # they are told when it is well


def test_the_alarm_does_not_wait_for_a_provider_that_is_down_for_long() -> None:
    world = triggered(Org(steps=[], methods={"boss": 1}))
    deliver(world, "boss", "down", 0)
    assert not facts(world, effects.Unpageable)
    deliver(world, "boss", "down for long", 30)
    assert facts(world, effects.Unpageable)[0].reason is effects.UnpageableReason.ALL_FAILED
    assert world.rows[0].state == "queued"  # and they are told when it is well


def replace_steps(steps: list[tuple[list[str], int]]) -> Org:
    methods = {"ana": 1, "ben": 1, "cy": 1, "boss": 1}
    return Org(steps=steps, methods=methods, repeat=0)


def skipped(sure: frozenset[int] | None) -> list[effects.Effect]:
    """Let the first method of somebody with three be skipped."""
    ana = person("ana")
    called = step(page(), inputs.Trigger(ladder([ana], [calls("ana")])), NOON)
    rows = [row(one) for one in of(called, effects.Notify)]
    ended = inputs.AttemptEnded(
        notification=replace(rows[0], attempt_count=1), outcome=LONG, siblings=tuple(rows),
        methods=KINDS, sure=sure,
    )  # fmt: skip
    return list(step(called[0], ended, NOON)[1])


def test_it_is_given_up_only_for_a_method_that_is_proved_to_reach_the_person() -> None:
    assert [type(one) for one in skipped(frozenset({1}))] == [
        effects.MethodFailed, effects.Notify,
    ]  # fmt: skip
    assert [type(one) for one in skipped(frozenset())] == [effects.Retry, effects.Notify]
    for sure in (frozenset({1}), frozenset[int]()):
        [notify] = [one for one in skipped(sure) if isinstance(one, effects.Notify)]
        assert (notify.kind, notify.due_at) == (MethodKind.SMS, None)


def test_what_waits_does_so_until_the_provider_is_asked_again() -> None:
    [retry, _] = skipped(frozenset())
    assert isinstance(retry, effects.Retry)
    assert retry.due_at == NOON + timedelta(seconds=200)


def test_when_every_method_of_a_step_has_failed_it_is_over_though_one_is_reported_late() -> (
    None
):
    """The second method was taken when nothing confirmed the first, and both are lost."""
    world = triggered(two_steps())
    deliver(world, "ana", "sent", 0)
    world.on_end(world.rows[0], "unconfirmed", 60)
    deliver(world, "ana", "permanent", 61)
    assert not facts(world, effects.PersonUnreachable)  # the first may have arrived
    world.on_end(world.rows[0], "permanent", 90)
    assert len(facts(world, effects.PersonUnreachable)) == 1
    assert [timer.due for timer in world.timers] == [90]


def test_a_method_that_is_under_way_is_not_taken_twice_nor_passed_over() -> None:
    world = triggered(Org(steps=[(["ana"], 300)], methods={"ana": 3, "boss": 1}))
    deliver(world, "ana", "sent", 0)
    world.on_end(world.rows[0], "unconfirmed", 60)
    world.on_end(world.rows[0], "permanent", 61)
    assert [(row.method, row.state) for row in world.rows] == [(0, "failed"), (1, "queued")]
    assert not facts(world, effects.PersonUnreachable)
    deliver(world, "ana", "permanent", 62)
    assert [row.method for row in world.rows] == [0, 1, 2]


class Provider:
    """All mail: `is_down` until it is well, and counts who has asked."""

    def __init__(self) -> None:
        self.is_down = True
        self.asked = 0

    def judge(self, message: Outgoing) -> Outcome:
        self.asked += 1
        return TransientFailure("451 down") if self.is_down else Sent(message.key)


def counted(outcome: str) -> float:
    """How many attempts by mail have ended so, as the metrics say."""
    return float(ATTEMPTS.labels(MethodKind.EMAIL, outcome)._value.get())


async def nobody(_provider: str, _reason: str) -> None:
    """Hear that a provider is down, and open no incident for it."""


async def break_down(world: World) -> Provider:
    """Put all mail behind its breaker, and let that open."""
    mail = Provider()
    world.mail.judge = mail.judge
    guarded = world.app.breakers.guard(world.channels)
    world.channels.update(guarded)
    world.app.breakers.on_change = nobody
    for number in range(FAILURES_MAX):
        message = Outgoing(to=MAYA, subject="s", text="t", key=f"{number}")
        await guarded[MethodKind.EMAIL].send(message)
    assert world.app.breakers.down() == ["email"]
    return mail


ONLY_MAIL = """
apiVersion: tocsin/v1
kind: Person
metadata: {name: maya}
spec: {displayName: Maya Okafor, contact: [{type: email, address: maya@example.org}]}
---
apiVersion: tocsin/v1
kind: Person
metadata: {name: boss}
spec: {displayName: Bea Boss, contact: [{type: webhook, url: "https://hooks.example.org/boss"}]}
---
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: default}
spec:
  steps: [{targets: [{person: maya}], timeout: 10m}]
  repeat: 0
  catchAll: [{person: boss}]
"""
STATES = """
SELECT n.state, n.attempt_count, array_agg(a.outcome ORDER BY a.number)
  FROM oncall.notifications n JOIN oncall.attempts a ON a.notification_id = n.id
 GROUP BY n.id ORDER BY n.id
"""


@pytest.mark.db
async def test_an_open_breaker_spends_no_try_of_a_persons_only_method(dsn: str) -> None:
    async with running(dsn) as world:
        await world.apply(ONLY_MAIL)
        mail = await break_down(world)
        before = mail.asked
        counts = counted("TransientFailure"), counted("Skipped")
        await world.signal(FIRE, ends_at=TODAY + timedelta(hours=5))
        assert mail.asked == before
        assert (counted("TransientFailure"), counted("Skipped")) == (counts[0], counts[1] + 1)
        assert await world.rows(STATES) == [("queued", 1, ["skipped"])]
        await world.forward(seconds=29)
        assert mail.asked == before
        mail.is_down = False
        await world.forward(seconds=1)
        assert mail.asked == before + 1
        assert await world.rows(STATES) == [("sent", 2, ["skipped", "sent"])]
        [(state, step_)] = await world.rows("SELECT state, step FROM oncall.pages")
        assert (state, step_) == ("triggered", 0)
        assert await world.rows("SELECT failed_at FROM oncall.contact_states") == [(None,)]


@pytest.mark.db
async def test_a_provider_that_stays_down_keeps_no_page_from_climbing(dsn: str) -> None:
    async with running(dsn) as world:
        await world.apply(ONLY_MAIL)
        await break_down(world)
        await world.signal(FIRE, ends_at=TODAY + timedelta(hours=5))
        told = Told()
        world.channels[MethodKind.WEBHOOK] = told
        await world.forward(minutes=10)
        assert told.heard == ["https://hooks.example.org/boss"]
        mail = (await world.rows(STATES))[0]
        assert (mail[0], mail[2].count("transient")) == ("failed", 3)
        assert mail[2].count("skipped") == len(mail[2]) - 3 > 0


AGAIN = """
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: default}
spec:
  steps: [{targets: [{person: maya}], timeout: 20s}]
  repeat: 9
  catchAll: [{person: boss}]
"""


@pytest.mark.db
async def test_who_was_called_again_while_all_waited_is_told_once_when_it_is_well(
    dsn: str,
) -> None:
    async with running(dsn) as world:
        await world.apply(ONLY_MAIL)
        await world.apply(AGAIN)
        mail = await break_down(world)
        await world.signal(FIRE, ends_at=TODAY + timedelta(hours=5))
        await world.forward(seconds=25)
        before = mail.asked
        mail.is_down = False
        await world.forward(seconds=10)
        assert mail.asked == before + 1
        assert [row[0] for row in await world.rows(STATES)] == ["suppressed", "sent"]
        assert (await world.story()).count("oncall.notification_suppressed") == 1


LOWER = AGAIN.replace(
    "timeout: 20s}", "timeout: 20s}, {targets: [{person: maya}], urgency: low}"
)


@pytest.mark.db
async def test_what_is_urgent_is_not_left_out_for_what_is_less_so(dsn: str) -> None:
    async with running(dsn) as world:
        await world.apply(ONLY_MAIL)
        await world.apply(LOWER)
        mail = await break_down(world)
        await world.signal(FIRE, ends_at=TODAY + timedelta(hours=5))
        await world.forward(seconds=25)
        mail.is_down = False
        await world.forward(seconds=10)
        found = await world.rows(
            "SELECT urgency, state FROM oncall.notifications ORDER BY queued_at"
        )
        assert [one[0] for one in found] == ["high", "low"]
        assert found[0][1] == "sent"


class Told:
    """A channel that works, and what it was given."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def send(self, message: Outgoing) -> Outcome:
        self.heard.append(message.to)
        return Sent(message.key)
