"""A storm lasts until it has been calm for a while, and calls whom its alerts call."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from triage_world import NOON, Pond, observed

from tocsin.kernel.vocabulary import Urgency
from tocsin.triage.core import storm
from tocsin.triage.core.outcomes import GroupNeedsPage, GroupReached, GroupRefired
from tocsin.triage.model import (
    REOPEN_WITHIN_S,
    STORM_CALM_S,
    STORM_PER_MINUTE,
    Group,
    GroupState,
    Matcher,
    MatchOp,
    Observed,
    Route,
    Routing,
)

HALF = STORM_PER_MINUTE // 2
DBA = Route(
    name="databases",
    matchers=(Matcher(name="service", op=MatchOp.MATCHES, value="db-.*"),),
    policy="dba",
)
LATER = Route(
    name="later",
    matchers=(Matcher(name="service", op=MatchOp.MATCHES, value="batch-.*"),),
    urgency=Urgency.LOW,
)
# how long after the one before it, in ms, and which of many groups
arrivals = st.lists(st.tuples(st.integers(0, 8_000), st.integers(0, 40)), max_size=150)


def stormy(config: Routing | None = None, prefix: str = "svc") -> Pond:
    """Return a pond in which a storm has just begun."""
    pond = Pond(config)
    pond.sort(new(range(STORM_PER_MINUTE + 1), prefix))
    return pond


def new(numbers: range, prefix: str = "svc") -> list[Observed]:
    return [observed(f"{prefix}{n}", service=f"{prefix}-{n}", lasts_s=100_000) for n in numbers]


def fires(pond: Pond, numbers: range, prefix: str = "svc") -> None:
    pond.sort([pond.moved(seen) for seen in new(numbers, prefix)])


def own_groups(pond: Pond) -> int:
    return sum(not group.storm for group in pond.groups.values())


def the_storm(pond: Pond) -> Group:
    [group] = [group for group in pond.groups.values() if group.storm]
    return group


def begun() -> Group:
    return storm.swollen(the_storm(stormy()), "first", NOON, over_limit=True)


def play(story: list[tuple[int, int]]) -> tuple[Group, list[tuple[datetime, int]]]:
    group, at, seen = begun(), NOON, []
    for pause_ms, number in story:
        at += timedelta(milliseconds=pause_ms)
        group = storm.swollen(group, f"key {number}", at, over_limit=False)
        seen.append((at, number))
    return group, seen


def most_in_a_minute(seen: list[tuple[datetime, int]]) -> tuple[int, datetime]:
    """Return how many different keys the busiest minute had, and when the last such one ended."""
    best = (0, NOON)
    for n, (end, _) in enumerate(seen):
        since = end - timedelta(seconds=60)
        best = max(best, (len({key for at, key in seen[: n + 1] if at > since}), end))
    return best


@given(arrivals)
def test_below_half_of_the_limit_never_keeps_a_storm_going(
    story: list[tuple[int, int]],
) -> None:
    group, seen = play(story)
    if most_in_a_minute(seen)[0] < HALF:
        assert group.storm_until == NOON + timedelta(seconds=STORM_CALM_S)


@given(arrivals)
def test_what_comes_at_the_limit_always_does(story: list[tuple[int, int]]) -> None:
    group, seen = play([(pause_ms // 8, number) for pause_ms, number in story])
    count, end = most_in_a_minute(seen)
    if count >= STORM_PER_MINUTE:
        assert group.storm_until is not None
        assert group.storm_until > end - timedelta(seconds=60) + timedelta(seconds=STORM_CALM_S)
        assert storm.lasts(group, end)


@given(arrivals)
def test_a_storm_never_gets_shorter_and_its_row_never_large(
    story: list[tuple[int, int]],
) -> None:
    group, at = begun(), NOON
    for pause_ms, number in story:
        at += timedelta(milliseconds=pause_ms - 200)  # another node's clock is a little behind
        after = storm.swollen(group, f"key {number}", at, over_limit=False)
        assert after.storm_until is not None
        assert group.storm_until is not None
        assert after.storm_until >= group.storm_until
        assert len(after.surge) < HALF
        group = after


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12), st.data())
def test_a_storm_does_not_hang_on_how_batches_are_cut(
    spans: list[tuple[int, int]], data: st.DataObject
) -> None:
    batch = [one for first, count in spans for one in new(range(first, first + count))]
    cut = data.draw(st.integers(0, len(batch)))
    whole, parts = Pond(), Pond()
    whole.sort(batch)
    parts.sort(batch[:cut])
    parts.sort(batch[cut:])
    assert whole.picture() == parts.picture()
    assert own_groups(whole) <= STORM_PER_MINUTE


def test_a_storm_that_goes_on_opens_no_more_groups_and_is_over_after_calm() -> None:
    pond = stormy()
    for minute in range(1, 20):
        pond.forward(60)
        fires(pond, range(minute * 100, minute * 100 + HALF))
    assert own_groups(pond) == STORM_PER_MINUTE
    last = pond.alert(f"svc{1900}")
    assert last.reasons[2] == (
        "storm: more than 30 new incidents a minute from prometheus, and not calm since"
    )
    pond.forward(STORM_CALM_S - 1)
    fires(pond, range(5000, 5001))
    assert own_groups(pond) == STORM_PER_MINUTE
    pond.forward(1)
    fires(pond, range(6000, 6001))
    assert own_groups(pond) == STORM_PER_MINUTE + 1
    assert isinstance(pond.outcomes[-1], GroupNeedsPage)


def test_many_alerts_of_one_group_are_one_new_incident_to_a_storm() -> None:
    pond = stormy()
    pond.forward(60)
    pond.sort([
        pond.moved(observed(f"disk{n}", service="svc-one", lasts_s=9_000)) for n in range(200)
    ])  # fmt: skip
    assert the_storm(pond).storm_until == NOON + timedelta(seconds=STORM_CALM_S)


def test_groups_that_were_there_before_the_storm_keep_their_alerts() -> None:
    pond = stormy()
    pond.forward(200)
    pond.sort([pond.moved(observed("another", service="svc-3", lasts_s=9_000))])
    assert not pond.groups[pond.alert("another").group_id].storm  # type: ignore[index]


def test_a_storm_calls_the_policy_of_whatever_joins_it() -> None:
    pond = stormy(Routing(routes=(DBA,)))
    pond.forward(120)
    pond.outcomes.clear()
    fires(pond, range(1), "db")
    [reached] = pond.outcomes
    assert isinstance(reached, GroupReached)
    assert reached.policies == ("dba",)
    assert reached.group.storm


def test_a_storm_of_warnings_pages_as_soon_as_something_urgent_joins_it() -> None:
    pond = stormy(Routing(routes=(DBA, LATER)), "batch")
    assert the_storm(pond).urgency is Urgency.LOW
    assert pond.woken() == set()
    pond.forward(120)
    pond.outcomes.clear()
    fires(pond, range(1), "db")
    [page] = pond.outcomes
    assert isinstance(page, GroupNeedsPage)
    assert (page.raised, page.group.storm, page.group.policies) == (True, True, ("dba",))


def test_what_comes_while_a_cleared_storm_lasts_fires_it_again() -> None:
    pond = stormy()
    group = the_storm(pond)
    [alert] = [one for one in pond.alerts.values() if one.group_id == group.id]
    pond.forward(60)
    name = alert.labels["alertname"]
    pond.sort([pond.moved(observed(name, service="any", resolved=True))])
    assert the_storm(pond).state is GroupState.CLEARED
    pond.forward(60)
    fires(pond, range(900, 901))
    assert isinstance(pond.outcomes[-1], GroupRefired)
    assert own_groups(pond) == STORM_PER_MINUTE


def test_whoever_has_one_alert_of_a_storm_at_its_sender_has_not_the_others() -> None:
    pond = stormy()
    [name] = [
        alert.labels["alertname"]
        for alert in pond.alerts.values()
        if alert.group_id == the_storm(pond).id
    ]
    word = replace(observed(name, at=NOON + timedelta(seconds=9)), acknowledges=True)
    assert pond.sort([word]).outcomes == ()
    own = replace(observed("svc0", at=NOON + timedelta(seconds=9)), acknowledges=True)
    assert pond.sort([own]).outcomes != ()


def test_a_storm_is_over_before_its_group_can_end() -> None:
    assert STORM_CALM_S < REOPEN_WITHIN_S
