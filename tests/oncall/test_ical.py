"""Shifts as iCalendar: read back by another library, with names that stay."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar
from rota_world import ANA, BEN, at, layer, names, timeline

from tocsin.oncall.core.local_time import use_tzdata_wheel_only
from tocsin.oncall.core.schedule import final
from tocsin.oncall.core.schedule.ical import Revision, calendar, digest, entries
from tocsin.oncall.model import Timeline, Window

use_tzdata_wheel_only()
START, END = at("2026-03-20T00:00"), at("2026-04-20T00:00")
FIRST = Revision(0, START)
NIGHTS = (Window((0, 1, 2, 3, 4), 20 * 60, 8 * 60),)


def written(found: Timeline, name: str = "On call") -> str:
    shifts = final(found, START - timedelta(days=35), END).shifts
    return calendar(
        name, list(entries(found.schedule, shifts, START)), lambda one: names((one,)), FIRST
    )


def test_another_library_reads_the_same_shifts_and_no_name_is_there_twice() -> None:
    # Grafana PR #2760: two events had one UID, and calendars showed one of them
    found = timeline(
        layer(ANA, BEN, name="days"), layer(BEN, ANA, name="nights", windows=NIGHTS)
    )
    events = Calendar.from_ical(written(found)).walk("VEVENT")
    shifts = final(found, START, END).shifts
    assert [(e.start, e.end, str(e["SUMMARY"])) for e in events] == [
        (one.start_at, one.end_at, f"{names(one.people)}: web") for one in shifts
    ]
    assert len({e["UID"] for e in events}) == len(events)
    assert written(found) == written(found)  # the same bytes, so that an ETag holds


def test_a_shift_that_moves_keeps_its_name() -> None:
    # Grafana #4182: what follows a shift follows it by what it is, not by when it is
    before = timeline(layer(ANA, BEN))
    after = timeline(layer(ANA, BEN, starts_at_local="2026-01-05T10:00"))
    names_of = [
        [e["UID"] for e in Calendar.from_ical(written(one)).walk("VEVENT")]
        for one in (before, after)
    ]
    assert names_of[0] == names_of[1]


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=200))
def test_any_name_survives_and_no_line_is_longer_than_may_be(name: str) -> None:
    found = timeline(layer(ANA))
    shifts = final(found, START, START + timedelta(days=2)).shifts
    text = calendar(name, list(entries(found.schedule, shifts, START)), lambda _: name, FIRST)
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    events = Calendar.from_ical(text).walk("VEVENT")
    assert {str(one["SUMMARY"]) for one in events} == {f"{name}: web"}


REQUIRED = {"UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "SEQUENCE", "LAST-MODIFIED"}


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31 - 1), st.integers(1, 400), st.booleans())
def test_it_is_a_calendar_by_rfc_5545_that_is_read_and_written_again_unchanged(
    sequence: int, hours: int, is_two: bool
) -> None:
    found = timeline(layer(ANA, *([BEN] if is_two else []), length=1 + hours % 40))
    shifts = final(found, START, START + timedelta(hours=hours)).shifts
    listed = list(entries(found.schedule, shifts, START))
    text = calendar("On call", listed, lambda one: names((one,)), Revision(sequence, START))
    assert text.endswith("END:VCALENDAR\r\n")
    assert "\n" not in text.replace("\r\n", "")
    parsed = Calendar.from_ical(text)
    assert (str(parsed["VERSION"]), bool(parsed["PRODID"])) == ("2.0", True)
    events = parsed.walk("VEVENT")
    assert len(events) == len(listed)
    for event, one in zip(events, listed, strict=True):
        assert set(event) >= REQUIRED
        assert int(event["SEQUENCE"]) == sequence
        assert event["DTSTART"].dt.utcoffset() == timedelta(0)  # in UTC: no VTIMEZONE needed
        assert (event.start, event.end) == (one.shift.start_at, one.shift.end_at)
        assert not event.errors
    again = Calendar.from_ical(parsed.to_ical()).walk("VEVENT")
    assert [(e["UID"], e.start, e.end) for e in again] == [
        (e["UID"], e.start, e.end) for e in events
    ]


def test_only_what_readers_see_makes_another_state_of_a_calendar() -> None:
    def state(found: Timeline, who: str = "") -> str:
        shifts = final(found, START, END).shifts
        listed = list(entries(found.schedule, shifts, START))
        return digest(listed, lambda one: who or names((one,)))

    one, later = timeline(layer(ANA, BEN)), layer(ANA, BEN, starts_at_local="2026-01-05T10:00")
    assert state(one) == state(timeline(layer(ANA, BEN)))
    assert state(one) != state(timeline(later))
    assert state(one) != state(one, "Ana Maria")
