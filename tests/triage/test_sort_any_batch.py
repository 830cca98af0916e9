"""What holds for the spine whatever comes in, in whatever order, cut wherever."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from triage_world import NOON, Pond, observed

from tocsin.kernel.vocabulary import Urgency
from tocsin.triage.core.outcomes import (
    GroupNeedsPage,
)
from tocsin.triage.model import (
    Observed,
    Route,
    Routing,
)

WAITING = Routing(default=Route(name="default", group_wait_s=30, group_interval_s=300))
KEYS = [f"K{n}" for n in range(6)]
BASE = datetime(2026, 1, 1, tzinfo=UTC)


@st.composite
def signals(draw: st.DrawFn) -> Observed:
    """One of six keys in three services, firing or resolved, perhaps late."""
    name = draw(st.sampled_from(KEYS))
    at = NOON + timedelta(seconds=draw(st.integers(0, 50)))
    return observed(
        name,
        service=f"s{KEYS.index(name) % 3}",
        severity="critical" if name in KEYS[:2] else "warning",
        resolved=draw(st.booleans()),
        at=at,
        integration=draw(st.sampled_from(["prometheus", "grafana"])),
    )


moves = st.lists(
    st.one_of(
        st.lists(signals(), max_size=8),
        st.sampled_from(["expire", "due"]),
        st.integers(1, 1_000),
    ),
    max_size=12,
)


def play(pond: Pond, move: list[Observed] | str | int) -> None:
    match move:
        case "expire":
            pond.expire()
        case "due":
            pond.all_due()
        case int(seconds):
            pond.forward(seconds)
        case list(batch):
            pond.sort([pond.moved(seen) for seen in batch])
        case str(unknown):
            raise AssertionError(unknown)


@given(moves, st.sampled_from([Routing(), WAITING]))
def test_the_count_of_a_group_is_the_number_of_its_firing_alerts(
    story: list[list[Observed] | str | int], config: Routing
) -> None:
    pond = Pond(config)
    for move in story:
        play(pond, move)
        pond.check()


@given(st.lists(signals(), max_size=20))
def test_every_key_ends_up_exactly_once(batch: list[Observed]) -> None:
    result = Pond().sort(batch)
    keys = [alert.dedup_key for alert in result.alerts_new]
    assert sorted(keys) == sorted({seen.dedup_key for seen in batch})
    assert sum(alert.seen_count for alert in result.alerts_new) == len(batch)
    assert sum(result.counts.values()) == len(batch)


@given(st.lists(signals(), max_size=20), st.data(), st.sampled_from([Routing(), WAITING]))
def test_a_batch_cut_in_two_ends_in_the_same_place(
    batch: list[Observed], data: st.DataObject, config: Routing
) -> None:
    cut = data.draw(st.integers(0, len(batch)))
    whole, parts = Pond(config), Pond(config)
    whole.sort(batch)
    parts.sort(batch[:cut])
    parts.sort(batch[cut:])
    assert whole.picture() == parts.picture()


@given(st.lists(signals(), max_size=20))
def test_who_would_be_woken_does_not_hang_on_the_cut(batch: list[Observed]) -> None:
    whole, parts = Pond(), Pond()
    whole.sort(batch)
    for seen in batch:
        parts.sort([seen])
    assert whole.woken() == parts.woken()


@given(st.lists(signals(), min_size=1, max_size=20))
def test_low_urgency_never_pages(batch: list[Observed]) -> None:
    config = Routing(default=Route(name="default", urgency=Urgency.LOW))
    outcomes = Pond(config).sort(batch).outcomes
    assert not any(isinstance(outcome, GroupNeedsPage) for outcome in outcomes)
