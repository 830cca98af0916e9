"""Receipts come in any order, twice, late, or never: what is known of an attempt is the same."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tocsin.oncall.core.receipt import (
    AttemptState,
    ReceiptKind,
    Trail,
    has_just_failed,
    is_confirmed,
    kind_of,
    latency_s,
    learn,
    state_of,
)
from tocsin.oncall.model import MethodKind

NOON = datetime(2026, 3, 27, 12, tzinfo=UTC)
SENT = Trail(started_at=NOON, ended_at=NOON + timedelta(seconds=1), outcome="sent")
receipts = st.lists(
    st.tuples(
        st.sampled_from(ReceiptKind),
        st.integers(0, 600).map(lambda s: NOON + timedelta(seconds=s)),
    ),
    max_size=8,
)


def told(trail: Trail, found: list[tuple[ReceiptKind, datetime]]) -> Trail:
    for kind, at in found:
        trail = learn(trail, kind, at)
    return trail


@given(receipts, st.data())
def test_their_order_does_not_matter(
    found: list[tuple[ReceiptKind, datetime]], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(found))
    assert told(SENT, found) == told(SENT, shuffled)


@given(receipts)
def test_the_same_ones_again_change_nothing(found: list[tuple[ReceiptKind, datetime]]) -> None:
    once = told(SENT, found)
    assert told(once, found) == once


@given(receipts, st.sampled_from(ReceiptKind))
def test_good_news_is_never_taken_back(
    found: list[tuple[ReceiptKind, datetime]], kind: ReceiptKind
) -> None:
    before = told(SENT, found)
    if is_confirmed(before):
        assert is_confirmed(learn(before, kind, NOON))


@given(receipts)
def test_an_attempt_fails_at_most_once(found: list[tuple[ReceiptKind, datetime]]) -> None:
    trail, failures = SENT, 0
    for kind, at in found:
        after = learn(trail, kind, at)
        failures += has_just_failed(trail, after)
        trail = after
    assert failures <= 1
    kinds = {kind for kind, _ in found}
    assert failures or is_confirmed(trail) or ReceiptKind.UNDELIVERED not in kinds


def test_how_far_it_got_is_the_best_that_is_known() -> None:
    assert state_of(Trail(started_at=NOON)) is AttemptState.QUEUED
    assert state_of(SENT) is AttemptState.SENT
    assert state_of(replace(SENT, outcome="transient")) is AttemptState.FAILED
    lost = learn(SENT, ReceiptKind.UNDELIVERED, NOON)
    assert state_of(lost) is AttemptState.FAILED
    arrived = learn(lost, ReceiptKind.DELIVERED, NOON)
    assert state_of(arrived) is AttemptState.DELIVERED
    assert state_of(learn(arrived, ReceiptKind.SEEN, NOON)) is AttemptState.SEEN
    assert state_of(learn(arrived, ReceiptKind.ANSWERED, NOON)) is AttemptState.ACKED


def test_latency_counts_until_it_arrived_else_until_it_was_taken() -> None:
    assert latency_s(Trail(started_at=NOON)) is None
    assert latency_s(SENT) == 1.0
    assert latency_s(learn(SENT, ReceiptKind.UNDELIVERED, NOON)) is None
    arrived = learn(SENT, ReceiptKind.DELIVERED, NOON + timedelta(seconds=7))
    assert latency_s(arrived) == 7.0


def test_an_acknowledgement_on_a_screen_came_by_no_message() -> None:
    assert kind_of("SMS link") is MethodKind.SMS
    assert kind_of("ntfy") is MethodKind.NTFY
    assert kind_of("web") is None
