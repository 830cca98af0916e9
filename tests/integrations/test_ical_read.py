"""Other calendars: recurrences, exceptions, moved events, and what an attacker would send."""

import resource
from datetime import UTC, datetime

import pytest

from tocsin.integrations.ical.expand import CPU_MAX_S, shifts
from tocsin.integrations.ical.read import Calendars
from tocsin.integrations.outbound import Outbound
from tocsin.kernel.errors import Invalid, TooLarge
from tocsin.kernel.ids import PersonId, uuid7
from tocsin.oncall.core.schedule.importing import imported
from tocsin.oncall.model import Method, MethodKind, Person

START, END = datetime(2026, 3, 23, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)


def calendar(*events: str) -> bytes:
    inside = "".join(f"BEGIN:VEVENT\r\n{one}\r\nEND:VEVENT\r\n" for one in events)
    text = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\n{inside}END:VCALENDAR\r\n"
    return text.encode()


WEEKLY = """UID:a
DTSTAMP:20260101T000000Z
SUMMARY:Ana is on call
ATTENDEE:MAILTO:Ana@Example.ORG
DTSTART;TZID=Europe/Berlin:20260302T090000
DTEND;TZID=Europe/Berlin:20260303T090000
RRULE:FREQ=WEEKLY;COUNT=8
EXDATE;TZID=Europe/Berlin:20260406T090000""".replace("\n", "\r\n")
MOVED = """UID:a
DTSTAMP:20260101T000000Z
SUMMARY:Ben
RECURRENCE-ID;TZID=Europe/Berlin:20260413T090000
DTSTART;TZID=Europe/Berlin:20260414T090000
DTEND;TZID=Europe/Berlin:20260415T090000""".replace("\n", "\r\n")
FLOATING = """UID:b
DTSTAMP:20260101T000000Z
SUMMARY:A stranger
DTSTART;VALUE=DATE:20260401
DTEND;VALUE=DATE:20260402""".replace("\n", "\r\n")


def person(name: str) -> Person:
    email = Method(kind=MethodKind.EMAIL, address=f"{name}@example.org")
    return Person(id=PersonId(uuid7()), name=name, display_name=name.title(), methods=(email,))


def test_recurrences_exceptions_and_moved_events_are_followed_over_dst() -> None:
    # Grafana #5247, #5455: a shift that crosses a change of clocks keeps its clock times
    found = shifts(calendar(WEEKLY, MOVED, FLOATING), "Europe/Berlin", START, END).shifts
    assert [(one.summary, f"{one.start_at.astimezone(UTC):%m-%d %H}") for one in found] == [
        ("Ana is on call", "03-23 08"), ("Ana is on call", "03-30 07"),
        ("A stranger", "03-31 22"), ("Ben", "04-14 07"), ("Ana is on call", "04-20 07"),
    ]  # fmt: skip


def test_people_are_found_by_address_in_any_case_or_by_name() -> None:
    # Grafana PR #1297: an address in capital letters was nobody's
    people = {one.id: one for one in (person("ana"), person("ben"))}
    found = imported(
        shifts(calendar(WEEKLY, MOVED, FLOATING), "Europe/Berlin", START, END).shifts, people
    )
    assert [one.people for one in found.shifts] == [("ana",), ("ana",), ("ben",), ("ana",)]
    assert found.unknown == ("A stranger",)


@pytest.mark.parametrize(
    "text",
    [
        b"nothing", b"BEGIN:VCALENDAR\r\n", b"\x00\xff\xfe",
        calendar(WEEKLY.replace("FREQ=WEEKLY", "FREQ=NEVER")),
    ],
)  # fmt: skip
def test_what_is_no_calendar_is_refused(text: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        shifts(text, "UTC", START, END)
    assert refused.value.field == "text"


def test_a_calendar_that_would_expand_for_ever_is_refused() -> None:
    bomb = WEEKLY.replace("FREQ=WEEKLY;COUNT=8", "FREQ=MINUTELY")
    with pytest.raises(Invalid, match="daily"):
        shifts(calendar(bomb), "UTC", START, END)
    with pytest.raises(TooLarge):
        shifts(calendar(*[FLOATING] * 2001), "UTC", START, END)


NEVER = WEEKLY.replace("UID:a", "UID:n").replace("Ana is", "The 30th is")
ENDLESS = [
    NEVER.replace("FREQ=WEEKLY;COUNT=8", rule)
    for rule in (
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=3",
    )
]


@pytest.mark.parametrize("event", ENDLESS)
async def test_a_rule_that_never_matches_is_left_out_and_named_and_the_others_are_read(
    event: str,
) -> None:
    reader = Calendars(Outbound())
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = await reader.read(calendar(event, WEEKLY, FLOATING), "Europe/Berlin", START, END)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert spent_s < 2.0
    assert [one.summary for one in found.shifts] == [
        "Ana is on call", "Ana is on call", "A stranger", "Ana is on call", "Ana is on call",
    ]  # fmt: skip
    if found.left_out:  # some are seen to be empty in time
        [words] = found.left_out
        assert words.startswith("RRULE:FREQ=")
        assert "'The 30th is on call'" in words


async def test_a_calendar_of_nothing_but_such_rules_is_refused_in_bounded_time() -> None:
    daily = NEVER.replace("FREQ=WEEKLY;COUNT=8", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30")
    events = [daily.replace("UID:n", f"UID:{n}") for n in range(50)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with pytest.raises(TooLarge, match="BYMONTHDAY=30"):
        await Calendars(Outbound()).read(calendar(*events), "UTC", START, END)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime - before.ru_utime < CPU_MAX_S  # about 2 s


async def test_what_is_refused_in_the_other_process_is_refused_here_by_the_same_words() -> None:
    with pytest.raises(Invalid) as refused:
        await Calendars(Outbound()).read(b"nothing", "UTC", START, END)
    assert refused.value.field == "text"
