"""A signal that only acknowledges, or only ends, speaks of an alert that is known, or of nothing."""

from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace
from triage_world import NOON, Pond, observed

from tocsin.kernel.vocabulary import Urgency
from tocsin.triage.core.dedupe import Verdict
from tocsin.triage.core.outcomes import (
    GroupAcknowledgedBySender,
    GroupCleared,
    GroupNeedsPage,
    GroupRefired,
)
from tocsin.triage.model import AlertState, Observed, Route, Routing

LATER = timedelta(seconds=60)


def fires(name: str = "Down") -> Observed:
    return observed(name, lasts_s=10_000)


def acknowledges(name: str = "Down") -> Observed:
    empty = replace(observed(name, at=NOON + LATER), labels={}, annotations={}, source_url="")
    return replace(empty, acknowledges=True)


def ends(name: str = "Down") -> Observed:
    empty = observed(name, at=NOON + LATER, resolved=True)
    return replace(empty, labels={}, annotations={}, source_url="", only_ends=True)


def test_an_acknowledged_alert_goes_on_firing_and_its_group_is_acknowledged() -> None:
    pond = Pond()
    pond.sort([fires()])
    found = pond.sort([acknowledges()])
    assert [type(one) for one in found.outcomes] == [GroupAcknowledgedBySender]
    assert found.counts[Verdict.ACKNOWLEDGED] == 1
    (alert,) = pond.alerts.values()
    assert (alert.state, alert.labels["alertname"]) == (AlertState.FIRING, "Down")
    assert alert.annotations == {"summary": "Down is on"}


def test_in_one_batch_the_page_comes_before_the_acknowledgement() -> None:
    found = Pond().sort([fires(), acknowledges()])
    assert [type(one) for one in found.outcomes] == [GroupNeedsPage, GroupAcknowledgedBySender]


def test_what_only_ends_keeps_the_words_of_the_alert() -> None:
    pond = Pond()
    pond.sort([fires()])
    found = pond.sort([ends()])
    assert [type(one) for one in found.outcomes] == [GroupCleared]
    (alert,) = pond.alerts.values()
    assert alert.state is AlertState.RESOLVED
    assert alert.annotations == {"summary": "Down is on"}
    assert alert.source_url


@given(st.lists(st.sampled_from((acknowledges, ends)), max_size=6))
def test_of_what_is_not_known_nothing_is_made(words: list[object]) -> None:
    pond = Pond()
    found = pond.sort([word() for word in words])  # type: ignore[operator]
    assert (pond.alerts, pond.groups, found.outcomes) == ({}, {}, ())
    assert found.counts[Verdict.UNKNOWN] == len(words)


def test_an_acknowledgement_of_what_is_over_changes_nothing() -> None:
    pond = Pond()
    pond.sort([fires()])
    pond.sort([ends()])
    assert pond.sort([acknowledges()]).outcomes == ()


def waits() -> Pond:
    return Pond(Routing(default=Route(name="default", group_wait_s=30)))


def test_what_is_acknowledged_while_it_waits_is_a_page_that_is_taken_at_once() -> None:
    pond = waits()
    pond.sort([fires()])
    assert pond.sort([acknowledges()]).outcomes == ()  # there is no page yet
    pond.forward(30)
    pond.due()
    assert [type(one) for one in pond.outcomes] == [GroupNeedsPage, GroupAcknowledgedBySender]
    assert pond.group().taken_by == ""
    assert pond.due() is None


@given(st.lists(st.sampled_from(("A", "B", "ack A", "ack B", "end A", "end B")), max_size=8))
def test_only_what_nothing_new_has_followed_is_taken_at_once(words: list[str]) -> None:
    batch, apart = waits(), waits()
    batch.sort([_said(word) for word in words])
    for word in words:
        apart.sort([_said(word)])
    firing: set[str] = set()
    is_taken = False
    for word in words:
        verb, _, name = word.rpartition(" ")
        if verb == "ack":
            is_taken = is_taken or name in firing
        elif verb == "end":
            firing.discard(name)
        elif name not in firing:
            firing.add(name)
            is_taken = False
    for pond in (batch, apart):
        pond.forward(30)
        pond.all_due()
        said = [type(one) for one in pond.outcomes]
        assert (GroupAcknowledgedBySender in said) == (is_taken and bool(firing))
        assert (GroupNeedsPage in said) == bool(firing)


@given(st.lists(st.sampled_from(("A", "B", "ack A", "ack B", "end A", "end B")), max_size=8))
@example(["A", "ack A", "end A", "A"])
def test_whether_a_page_is_taken_does_not_hang_on_how_signals_arrive(words: list[str]) -> None:
    batch, apart = Pond(), Pond()
    batch.sort([_said(word) for word in words])
    for word in words:
        apart.sort([_said(word)])
    assert is_taken(batch) == is_taken(apart)


def test_an_acknowledgement_of_an_episode_that_is_over_does_not_take_the_next_one() -> None:
    pond = Pond()
    pond.sort([_said(word) for word in ("A", "ack A", "end A", "A")])
    assert is_taken(pond) is False


@pytest.mark.parametrize("waits_s", [0, 30])
@pytest.mark.parametrize("in_one_batch", [True, False])
def test_what_has_become_worse_since_it_was_acknowledged_calls_somebody(
    waits_s: int, in_one_batch: bool
) -> None:
    pond = Pond(Routing(default=Route(name="default", group_wait_s=waits_s)))
    words = [
        observed("Down", severity="warning", lasts_s=10_000),
        acknowledges(),
        observed("Down", at=NOON + LATER, severity="critical", lasts_s=10_000),
    ]
    for batch in [words] if in_one_batch else [[word] for word in words]:
        pond.sort(batch)
    pond.forward(30)
    pond.all_due()
    assert is_taken(pond) is False
    assert pond.alert("Down").labels["severity"] == "critical"
    assert pond.group().urgency is Urgency.HIGH


def is_taken(pond: Pond) -> bool | None:
    """Say what has become of the page: None: there is none, or it is closed."""
    taken: bool | None = None
    for one in pond.outcomes:
        match one:
            case GroupNeedsPage() | GroupRefired():
                taken = taken or False
            case GroupAcknowledgedBySender():
                taken = True if taken is not None else None
            case GroupCleared():
                taken = None
            case _:
                pass
    return taken


def _said(word: str) -> Observed:
    verb, _, name = word.rpartition(" ")
    if not verb:
        return observed(name, at=NOON + LATER, lasts_s=10_000)
    return {"ack": acknowledges, "end": ends}[verb](name)
