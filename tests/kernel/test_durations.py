"""Durations as people write them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.kernel.durations import said, seconds, written
from tocsin.kernel.errors import Invalid


@pytest.mark.parametrize(
    ("text", "wanted_s"),
    [
        ("0", 0),
        ("0s", 0),
        ("30s", 30),
        ("5m", 300),
        ("2h", 7200),
        ("7d", 604_800),
        ("1h30m", 5400),
    ],
)
def test_a_duration_is_what_it_says(text: str, wanted_s: int) -> None:
    assert seconds(text, field="timeout") == wanted_s


@pytest.mark.parametrize(
    "text",
    ["", "5", "5 m", "-5m", "1.5h", "m", "5M", "5m ", "5ms", "\u0665m", "1234567s", "5m\n"],
)
def test_what_is_no_duration_is_refused_with_the_field_and_an_example(text: str) -> None:
    with pytest.raises(Invalid, match="1h30m") as caught:
        seconds(text, field="spec.steps[0].timeout")
    assert caught.value.field == "spec.steps[0].timeout"
    assert "spec.steps[0].timeout" in caught.value.detail


@given(*[st.integers(0, 999_999)] * 4)
def test_parts_add_up(d: int, h: int, m: int, s: int) -> None:
    text = f"{d}d{h}h{m}m{s}s"
    assert seconds(text, field="f") == d * 86_400 + h * 3600 + m * 60 + s


@given(st.integers(0, 10**9))
def test_what_is_written_is_read_back(duration_s: int) -> None:
    assert seconds(written(duration_s), field="timeout") == duration_s


@pytest.mark.parametrize(
    ("duration_s", "text"),
    [(0, "0s"), (59, "59s"), (300, "5m"), (5400, "1h30m"), (90_061, "1d1h1m1s")],
)
def test_a_duration_is_written_in_its_largest_units(duration_s: int, text: str) -> None:
    assert written(duration_s) == text


@pytest.mark.parametrize(
    ("took", "words"),
    [
        (timedelta(seconds=51), "51 s"),
        (timedelta(minutes=7, seconds=3), "7 min"),
        (timedelta(hours=2, minutes=11), "2 h 11 min"),
    ],
)
def test_how_long_something_took_is_said_in_two_units_at_most(
    took: timedelta, words: str
) -> None:
    assert said(took) == words
