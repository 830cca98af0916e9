"""Counting what comes: nothing is lost between two looks, and nothing grows without end."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tocsin.signals.core.tally import ERRORS_KEPT, NAMES_MAX, Tally, minute_of, rates

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.booleans(), st.booleans()),
        max_size=60,
    )
)
def test_what_is_taken_and_not_put_back_adds_up_to_what_came(
    story: list[tuple[str, int, bool, bool]],
) -> None:
    tally = Tally()
    kept = signals = refused = 0
    held = None
    for name, count, looks, fails in story:
        if count:
            tally.kept(name, "f", count, NOON)
        else:
            tally.refused(name, "f", 400, "no\0", NOON)
        if held is not None:
            tally.put_back(held)
            held = None
        if fails:
            held = tally.take()
        elif looks:
            taken = tally.take().values()
            kept += sum(one.messages for one in taken)
            signals += sum(one.signals for one in taken)
            refused += sum(one.refusals for one in taken)
    tally.put_back(held or {})
    taken = tally.take().values()
    assert kept + sum(one.messages for one in taken) == sum(1 for _, n, *_ in story if n)
    assert signals + sum(one.signals for one in taken) == sum(n for _, n, *_ in story)
    assert refused + sum(one.refusals for one in taken) == sum(1 for _, n, *_ in story if not n)
    assert tally.take() == {}


def test_errors_and_names_are_bounded() -> None:
    tally = Tally()
    for n in range(ERRORS_KEPT * 3):
        tally.refused("a", "f", 400, f"{n} " + "x" * 2000, NOON)
    found = tally.take()["a"]
    assert (found.refusals, len(found.mishaps)) == (ERRORS_KEPT * 3, ERRORS_KEPT)
    assert found.mishaps[-1].error.startswith(f"{ERRORS_KEPT * 3 - 1} ")
    for n in range(NAMES_MAX + 10):
        tally.kept(str(n), "f", 1, NOON)
    assert len(tally.take()) == NAMES_MAX


def test_rates_are_the_last_hour_with_its_gaps() -> None:
    now = NOON + timedelta(seconds=42)
    found = rates({NOON: 3, NOON - timedelta(minutes=59): 2, NOON - timedelta(hours=1): 9}, now)
    assert (len(found), found[-1], found[0], sum(found)) == (60, 3, 2, 5)
    assert minute_of(now) == NOON
