"""A provider that fails is left alone, tried again, and used as soon as it is well."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tocsin.oncall.core.breaker import (
    FAILURES_LAST,
    FAILURES_MAX,
    OPEN_FIRST,
    OPEN_MAX,
    PROBE_LASTS,
    WELL,
    Breaker,
    BreakerState,
    ask,
    failed,
    provider_of,
)
from tocsin.oncall.model import MethodKind

NOON = datetime(2026, 3, 27, 12, tzinfo=UTC)
# what happens next: an attempt asks, one fails, one is answered, or time goes by (seconds)
moves = st.lists(
    st.one_of(st.just("ask"), st.just("fail"), st.just("well"), st.integers(1, 700)),
    max_size=60,
)


def opened(now: datetime = NOON) -> Breaker:
    breaker = WELL
    for _ in range(FAILURES_MAX):
        breaker = failed(breaker, now)
    return breaker


def test_failures_in_a_row_open_it_and_an_answer_in_between_does_not() -> None:
    breaker = WELL
    for _ in range(FAILURES_MAX - 1):
        breaker = failed(breaker, NOON)
        assert ask(breaker, NOON)[1]
    assert opened().state is BreakerState.OPEN
    assert not ask(opened(), NOON)[1]
    assert failed(WELL, NOON).failures == 1


def test_failures_of_long_ago_are_another_trouble() -> None:
    breaker = WELL
    for number in range(FAILURES_MAX * 3):
        breaker = failed(breaker, NOON + number * (FAILURES_LAST + timedelta(seconds=1)))
    assert breaker.state is BreakerState.CLOSED


def test_one_attempt_shows_how_it_is_and_the_others_wait() -> None:
    later = NOON + OPEN_FIRST
    probing, is_let = ask(opened(), later)
    assert is_let
    assert probing.state is BreakerState.HALF_OPEN
    assert not ask(probing, later)[1]
    assert ask(probing, later + PROBE_LASTS)[1]  # of that one nothing was heard
    down = failed(probing, later)
    assert down.until == later + 2 * OPEN_FIRST


def test_a_provider_that_asks_for_patience_gets_it_within_bounds() -> None:
    breaker = opened()
    for _ in range(FAILURES_MAX - 1):
        breaker = failed(breaker, NOON)
    patient = failed(ask(opened(), NOON + OPEN_FIRST)[0], NOON + OPEN_FIRST, 120.0)
    assert patient.until == NOON + OPEN_FIRST + timedelta(seconds=120)
    forever = failed(ask(opened(), NOON + OPEN_FIRST)[0], NOON + OPEN_FIRST, 1e6)
    assert forever.until == NOON + OPEN_FIRST + OPEN_MAX


@given(moves)
def test_nobody_is_shut_out_for_longer_than_the_bound(found: list[str | int]) -> None:
    breaker, now = WELL, NOON
    for move in found:
        match move:
            case "ask":
                breaker, _ = ask(breaker, now)
            case "fail":
                breaker = failed(breaker, now)
            case "well":
                breaker = WELL
            case int(seconds):
                now += timedelta(seconds=seconds)
        if breaker.state is not BreakerState.CLOSED:
            assert breaker.until is not None
            assert breaker.until - now <= OPEN_MAX
        assert ask(breaker, now + OPEN_MAX)[1]


@given(moves)
def test_an_open_one_lets_nobody_through_and_a_half_open_one_only_one(
    found: list[str | int],
) -> None:
    breaker, now = WELL, NOON
    for move in found:
        match move:
            case "ask":
                asked, is_let = ask(breaker, now)
                if breaker.state is BreakerState.CLOSED:
                    assert is_let
                    assert asked == breaker
                elif is_let:
                    assert not ask(asked, now)[1]
                breaker = asked
            case "fail":
                breaker = failed(breaker, now)
            case "well":
                breaker = WELL
            case int(seconds):
                now += timedelta(seconds=seconds)


def test_a_provider_is_named_by_its_host_where_anybody_may_run_one() -> None:
    assert provider_of(MethodKind.EMAIL, "maya@example.org") == "email"
    assert provider_of(MethodKind.NTFY, "https://n.test/alarms") == "ntfy n.test"
    assert provider_of(MethodKind.APPRISE, "tgram://secret/chat") == "apprise tgram"
    assert provider_of(MethodKind.WEBHOOK, "http://[broken") == "webhook"
