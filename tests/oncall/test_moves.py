"""Who has a slot when they had not, or no more: against an answer for every minute."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from rota_world import ANA, BEN, at, layer, timeline

from tocsin.oncall.core.schedule.moves import Held, Move, held, held_of, moves
from tocsin.oncall.core.schedule.turns import instant

NOON = at("2026-03-02T12:00")
DAY = timedelta(days=1)
spans = st.lists(st.integers(0, 40), min_size=0, max_size=6, unique=True).map(
    lambda edges: list(zip(sorted(edges)[::2], sorted(edges)[1::2], strict=False))
)


def minutes(found: list[tuple[int, int]]) -> set[int]:
    return {at_s for start, end in found for at_s in range(start, end)}


@given(spans, spans)
def test_the_first_difference_is_found_whole(
    was: list[tuple[int, int]], is_now: list[tuple[int, int]]
) -> None:
    before, after = minutes(was), minutes(is_now)
    found = moves({(ANA, "a"): was}, {(ANA, "a"): is_now})
    if before == after:
        assert not found
        return
    [one] = found
    first = min(before ^ after)
    gained = first in after
    last = first
    while last in (after - before if gained else before - after):
        last += 1
    assert one == Move(
        person_id=ANA, slot="a", start_at=instant(first), end_at=instant(last), gained=gained
    )


def test_what_lies_outside_the_stretch_moves_nobody() -> None:
    long, cut = ("a", (ANA,), 0, 100), ("a", (ANA,), 10, 60)
    assert held_of([long], 20, 50) == held_of([cut], 20, 50) == {(ANA, "a"): [(20, 50)]}
    assert held_of([long], 100, 200) == {}


def test_one_who_takes_over_gains_what_the_other_loses() -> None:
    before: Held = held(timeline(layer(ANA)), NOON, NOON + DAY)
    after = held(timeline(layer(BEN)), NOON, NOON + DAY)
    assert {(one.person_id, one.gained) for one in moves(before, after)} == {
        (ANA, False), (BEN, True),
    }  # fmt: skip
