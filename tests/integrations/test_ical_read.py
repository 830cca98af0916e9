"""Other calendars: recurrences, exceptions, moved events, and what an attacker would send."""

import asyncio
import resource
from datetime import UTC, datetime, timedelta

import icalendar
import pytest

from tocsin.integrations.ical.expand import CPU_MAX_S, _occurrences, _Within, shifts
from tocsin.integrations.ical.read import Calendars
from tocsin.integrations.outbound import Outbound, networks
from tocsin.kernel.errors import Invalid, TooLarge
from tocsin.kernel.ids import PersonId, uuid7
from tocsin.oncall.core.schedule.importing import imported
from tocsin.oncall.model import FoundShift, Method, MethodKind, Person

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


def test_of_a_rule_that_is_left_out_not_even_the_first_shifts_are_read() -> None:
    daily = WEEKLY.replace("FREQ=WEEKLY;COUNT=8", "FREQ=DAILY")
    alone = icalendar.Calendar.from_ical(calendar(daily))
    whole = _occurrences(alone, _Within(5.0), "UTC", (START, END))
    assert whole is not None
    assert len(whole) > 30
    late = END.replace(year=9000)  # what recurs for ever is cut off on its way
    assert _occurrences(alone, _Within(0.02), "UTC", (START, late)) is None


@pytest.mark.parametrize("said", ["\u00e9tag", "a\x7f", "x" * 501])
async def test_a_tag_that_cannot_be_sent_back_is_not_kept(said: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
        body = calendar(FLOATING)
        head = f"HTTP/1.1 200 x\r\nETag: {said}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        writer.close()

    asked: list[str] = []
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reader = Calendars(Outbound(allowed=networks("127.0.0.0/8"), timeout_s=5))
    async with server:
        first = await reader.fetch(f"http://127.0.0.1:{port}/x.ics")
        assert first.etag == ""
        second = await reader.fetch(f"http://127.0.0.1:{port}/x.ics", etag=first.etag)
    assert second.text == calendar(FLOATING)
    assert "if-none-match" not in asked[1].lower()


def test_names_are_found_in_summaries_however_many_people_there_are() -> None:
    people = {one.id: one for one in (person("ana"), person("ben"), person("ana maria"))}
    words = ("Ana", "BEN is on call", "Ana Maria today", "ben, ana", "on-call:ben", "")
    found = [
        FoundShift(summary=one, emails=(), start_at=START + timedelta(days=n),
                   end_at=START + timedelta(days=n, hours=1))
        for n, one in enumerate(words)
    ]  # fmt: skip
    read = imported(found, people)
    assert [one.people for one in read.shifts] == [("ana",), ("ben",), ("ben",)]
    assert read.unknown == ("Ana Maria today", "ben, ana", "")


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
