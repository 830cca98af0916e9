"""Channels behind their breakers: who is asked, who is left alone, and who hears of it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tocsin.kernel.metrics import PROVIDER_STATE
from tocsin.oncall.core.breaker import FAILURES_MAX, OPEN_FIRST
from tocsin.oncall.jobs.guarding import PROVIDERS_MAX, Breakers, Guarded, InOrder
from tocsin.oncall.model import MethodKind
from tocsin.oncall.ports import (
    Channel,
    Outcome,
    Outgoing,
    PermanentFailure,
    Revised,
    Sent,
    TransientFailure,
    Updates,
)

NOON = datetime(2026, 3, 27, 12, tzinfo=UTC)
DOWN = TransientFailure("the receiver answered 503")
PAGE = Outgoing(to="https://n.test/a", subject="s", text="t", key="k")


class Line:
    """A channel that answers as it is told, and counts."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.count = 0

    async def send(self, message: Outgoing) -> Outcome:
        self.count += len(message.key)
        return self.outcome


class Chat(Line):
    """One that can change what it has sent."""

    async def update(self, message: Revised) -> Outcome:
        return Sent(message.provider_id)


class Watch:
    """A clock, and what was told."""

    def __init__(self) -> None:
        self.now = NOON
        self.told: list[tuple[str, str]] = []
        self.breakers = Breakers(lambda: self.now, self.tell)

    async def tell(self, provider: str, reason: str) -> None:
        self.told.append((provider, reason))

    def before(self, line: Channel, name: Callable[[str], str] = lambda _: "p") -> Guarded:
        return Guarded(line, self.breakers, name)


async def test_a_provider_that_fails_is_asked_no_more_until_one_attempt_shows_it_is_well() -> (
    None
):
    watch, line = Watch(), Line(DOWN)
    channel = watch.before(line)
    for _ in range(FAILURES_MAX + 3):
        outcome = await channel.send(PAGE)
    assert line.count == FAILURES_MAX
    assert isinstance(outcome, TransientFailure)
    assert outcome.skipped
    assert outcome.retry_after_s == OPEN_FIRST.total_seconds()
    assert watch.told == [("p", DOWN.reason)]
    assert watch.breakers.down() == ["p"]
    assert PROVIDER_STATE.labels("p")._value.get() == 2
    watch.now += OPEN_FIRST
    line.outcome = Sent("1")
    assert await channel.send(PAGE) == Sent("1")
    assert watch.told[1:] == [("p", "")]
    assert watch.breakers.down() == []
    assert PROVIDER_STATE.labels("p")._value.get() == 0


async def test_a_refusal_is_an_answer_and_one_address_says_nothing_of_the_others() -> None:
    watch = Watch()
    for outcome in (PermanentFailure("no"), TransientFailure("451", address_only=True)):
        channel = watch.before(Line(outcome))
        for _ in range(3 * FAILURES_MAX):
            assert await channel.send(PAGE) == outcome
    assert watch.told == []


@pytest.mark.parametrize("event", ["test", "code", "unpageable"])
async def test_what_has_no_other_method_goes_through(event: str) -> None:
    watch, line = Watch(), Line(DOWN)
    channel = watch.before(line)
    for _ in range(FAILURES_MAX):
        await channel.send(PAGE)
    await channel.send(Outgoing(to="x", subject="s", text="t", key="k", event=event))
    assert line.count == FAILURES_MAX + 1


async def test_the_second_provider_takes_what_the_first_does_not_in_the_same_attempt() -> None:
    watch, own, twilio = Watch(), Line(DOWN), Line(Sent("SM1"))
    channel = InOrder(
        [watch.before(own, lambda _: "gateway"), watch.before(twilio, lambda _: "twilio")]
    )
    for _ in range(2 * FAILURES_MAX):
        assert await channel.send(PAGE) == Sent("SM1")
    assert (own.count, twilio.count) == (FAILURES_MAX, 2 * FAILURES_MAX)
    own.outcome = PermanentFailure("no such number", address_wrong=True)
    watch.now += timedelta(minutes=6)
    assert await channel.send(PAGE) == own.outcome  # Twilio would not know better


async def test_what_was_asked_of_one_of_them_counts_and_what_was_asked_of_none_waits_for_the_first() -> (
    None
):
    watch, own, twilio = Watch(), Line(DOWN), Line(TransientFailure("busy"))
    channel = InOrder(
        [watch.before(own, lambda _: "gateway"), watch.before(twilio, lambda _: "twilio")]
    )
    for _ in range(FAILURES_MAX):
        assert await channel.send(PAGE) == twilio.outcome
    watch.now += timedelta(seconds=10)
    assert (own.count, twilio.count) == (FAILURES_MAX, FAILURES_MAX)
    outcome = await channel.send(PAGE)
    assert isinstance(outcome, TransientFailure)
    assert outcome.skipped
    assert outcome.retry_after_s == OPEN_FIRST.total_seconds() - 10
    watch.now += OPEN_FIRST
    own.outcome = TransientFailure("no answer")
    assert await channel.send(PAGE) == twilio.outcome


async def test_while_one_attempt_shows_how_it_is_the_others_look_again_soon() -> None:
    watch = Watch()
    channel = watch.before(Line(DOWN))
    for _ in range(FAILURES_MAX):
        await channel.send(PAGE)
    watch.now += OPEN_FIRST
    assert watch.breakers.admits("p")
    outcome = await channel.send(PAGE)
    assert isinstance(outcome, TransientFailure)
    assert (outcome.skipped, outcome.retry_after_s) == (True, 5.0)
    assert watch.breakers.wait_s("another") == 0.0


async def test_each_host_has_a_breaker_of_its_own_and_the_inbox_none() -> None:
    watch, line = Watch(), Line(DOWN)
    channels = watch.breakers.guard(
        {MethodKind.WEBHOOK: line, MethodKind.INBOX: line, MethodKind.SLACK: Chat(DOWN)}
    )
    assert channels[MethodKind.INBOX] is line
    assert isinstance(channels[MethodKind.SLACK], Updates)
    assert not isinstance(channels[MethodKind.WEBHOOK], Updates)
    for _ in range(FAILURES_MAX):
        await channels[MethodKind.WEBHOOK].send(PAGE)
    before = line.count
    await channels[MethodKind.WEBHOOK].send(PAGE)
    assert line.count == before
    other = Outgoing(to="https://m.test/a", subject="s", text="t", key="k")
    await channels[MethodKind.WEBHOOK].send(other)
    assert line.count == before + 1


async def test_what_is_remembered_is_bounded() -> None:
    watch = Watch()
    channel = watch.before(Line(DOWN), lambda address: address)
    for number in range(PROVIDERS_MAX + 50):
        await channel.send(Outgoing(to=f"h{number}", subject="s", text="t", key="k"))
    assert len(watch.breakers._troubled) == PROVIDERS_MAX


async def test_who_cannot_be_told_costs_no_message() -> None:
    watch, line = Watch(), Line(DOWN)

    async def broken(provider: str, reason: str) -> None:
        raise RuntimeError(provider)

    watch.breakers.on_change = broken
    channel = watch.before(line)
    for _ in range(FAILURES_MAX):
        assert await channel.send(PAGE) == DOWN
