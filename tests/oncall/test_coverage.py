"""Shifts and gaps together fill a stretch of time exactly."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from rota_world import layer, timeline

from tocsin.kernel.ids import PersonId, uuid7
from tocsin.oncall.core.schedule import final
from tocsin.oncall.core.schedule.coverage import covered_share
from tocsin.oncall.model import Timeline

START = datetime(2026, 3, 2, tzinfo=UTC)


def rotation(starts: str, people: int, zone: str = "Europe/Berlin") -> Timeline:
    turns = (PersonId(uuid7()) for _ in range(people))
    return timeline(layer(*turns, zone=zone, starts_at_local=starts))


@given(
    st.integers(-40, 40), st.integers(0, 3), st.floats(0.01, 60),
    st.sampled_from(["Europe/Berlin", "Pacific/Apia", "UTC", "America/St_Johns"]),
)  # fmt: skip
def test_shifts_and_gaps_fill_every_moment_once(
    starts_in: int, people: int, days: float, zone: str
) -> None:
    local = (START + timedelta(days=starts_in)).strftime("%Y-%m-%dT09:00")
    end = START + timedelta(days=days)
    found = final(rotation(local, people, zone), START, end)
    parts = [(max(s.start_at, START), min(s.end_at, end)) for s in found.shifts]
    parts += [(gap.start_at, gap.end_at) for gap in found.gaps]
    parts.sort()
    assert parts[0][0] == START
    assert parts[-1][1] == end
    assert all(left[1] == right[0] for left, right in pairwise(parts))
    assert all(begin < until for begin, until in parts)
    assert 0 <= covered_share(found.gaps, START, end) <= 1
    assert (covered_share(found.gaps, START, end) == 1) == (not found.gaps)


def test_before_it_begins_a_schedule_has_a_gap_until_then() -> None:
    found = final(rotation("2026-03-09T09:00", 2), START, START + timedelta(days=14))
    [gap] = found.gaps
    assert gap.start_at == START
    assert gap.end_at == datetime(2026, 3, 9, 8, tzinfo=UTC)
    assert round(covered_share(found.gaps, START, START + timedelta(days=14)), 4) == 0.4762


def test_without_people_everything_is_a_gap() -> None:
    end = START + timedelta(days=1)
    [gap] = final(rotation("2026-01-01T09:00", 0), START, end).gaps
    assert (gap.start_at, gap.end_at) == (START, end)
    assert final(rotation("2026-01-01T09:00", 1), START, START).shifts == ()
