"""Fairness: nobody is passed over twice, and who comes late to a full queue finds room."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tocsin.signals.core.fairness import Place, Queue, lags, next_turns, place_in

NAMES = st.sampled_from([f"s{n}" for n in range(6)])
WAITING = st.dictionaries(NAMES, st.lists(st.integers(0, 100_000), max_size=12), max_size=6)
NOON = datetime(2026, 7, 6, 12, tzinfo=UTC)


@given(WAITING, NAMES, st.integers(1, 200_000))
def test_turns_are_shared_evenly_and_stop_at_the_budget(
    waiting: dict[str, list[int]], after: str, budget: int
) -> None:
    turns = next_turns(waiting, after=after, budget=budget)
    counts = Counter(turns)
    sizes = [waiting[name][turns[:at].count(name)] for at, name in enumerate(turns)]
    assert sum(sizes[:-1], 0) < budget  # the last may go over it
    for name, queue in waiting.items():
        assert counts[name] <= len(queue)
        if counts[name] < len(queue):  # somebody who still waits had as many turns as others
            assert max(counts.values(), default=0) - counts[name] <= 1
    if any(waiting.values()):
        assert turns
    if sum(sizes) < budget:
        assert len(turns) == sum(map(len, waiting.values()))


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=60), st.integers(1, 3))
def test_nobody_waits_longer_than_a_round(arrivals: list[str], sizes: int) -> None:
    waiting = {name: [sizes] * arrivals.count(name) for name in set(arrivals)}
    after, passed = "", Counter[str]()
    while any(waiting.values()):
        (turn,) = next_turns(waiting, after=after, budget=1)
        waiting[turn].pop()
        passed = Counter({n: passed[n] + 1 for n, queue in waiting.items() if queue})
        passed[turn] = 0
        assert max(passed.values(), default=0) <= len(waiting)
        after = turn


@given(st.integers(0, 200), st.integers(0, 200), st.integers(1, 20), st.booleans())
def test_a_place_in_the_queue(size: int, own: int, senders: int, ends: bool) -> None:
    queue = Queue(size=size, own=min(own, size), senders=senders, size_max=100)
    place = place_in(queue, ends=ends)
    assert (place is Place.FULL) == (size > 100)
    if place is Place.OVER_SHARE:
        assert not ends
        assert queue.own * senders > 50 - senders
        # who has nothing in it finds room where others do not
        newcomer = Queue(size=size, own=0, senders=senders + 1, size_max=100)
        assert place_in(newcomer) is Place.ROOM


@given(st.dictionaries(NAMES, st.integers(-5, 60)))
def test_only_who_is_behind_itself_is_behind(ages_s: dict[str, int]) -> None:
    oldest_at = {name: NOON - timedelta(seconds=age) for name, age in ages_s.items()}
    found = lags(oldest_at, now=NOON, limit_s=5)
    assert found == {name: age for name, age in ages_s.items() if age > 5}
