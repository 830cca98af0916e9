"""Expand an iCalendar text into shifts: what `read.py` runs in a process that can be killed.

The library steps through a rule in a loop of its own, up to the year 9999 where it never matches,
so each event gets a time of its own and the process a limit of time and memory.
"""

import os
import re
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, time
from itertools import islice
from types import FrameType
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import msgspec
import recurring_ical_events

from tocsin.integrations.ical.wire import Answered, Asked
from tocsin.kernel.errors import Invalid, Refused, TooLarge
from tocsin.oncall.core.local_time import use_tzdata_wheel_only
from tocsin.oncall.model import CalendarShifts, FoundShift

EVENTS_MAX = 2000  # that are written
SHIFTS_MAX = 2000  # that they expand to
RULES_MAX = 200  # of events and of time zones
LEFT_OUT_MAX = 2
PARSE_S = 3.0
EVENT_S = 0.5
ALL_S = 3.5  # of what recurs
CPU_MAX_S = 8  # the kernel ends it then, whatever it does
MEMORY_MAX_BYTES = 1024 * 1024 * 1024
_FOLD = re.compile(rb"(?:\r?\n)+[ \t]")
_EVENT = re.compile(rb"(?im)^BEGIN:VEVENT")
_RULE = re.compile(rb"(?im)^(?:RRULE|EXRULE)\b")
# a library expands these before anybody can count them
_BOMB = re.compile(
    rb"(?im)^(?:RRULE|EXRULE)\b[^\n]*"
    rb"(?:FREQ\s*=\s*(?:SECONDLY|MINUTELY|HOURLY)|BY(?:SECOND|MINUTE|HOUR|SETPOS)\b)"
)
_BROKEN = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError)
_RECURS = frozenset({"RRULE", "EXRULE", "RDATE", "RECURRENCE-ID"})
_UNNAMED = "(without a UID)"


class _TooLong(BaseException):
    """The time that was given to one piece of work is over; no library catches this."""


def shifts(text: bytes, zone: str, start: datetime, end: datetime) -> CalendarShifts:
    """Expand a calendar in [start, end); times without a zone are by the clocks of `zone`.

    An event whose rule takes too long to match is left out and named; the others stand. To be
    called by the main thread alone. Raises Invalid, TooLarge.
    """
    flat = _FOLD.sub(b"", text)
    if len(_EVENT.findall(flat)) > EVENTS_MAX or len(_RULE.findall(flat)) > RULES_MAX:
        raise TooLarge(f"a calendar may have {EVENTS_MAX} events, {RULES_MAX} of which recur")
    if _BOMB.search(flat):
        raise Invalid("events may recur daily or more rarely", field="text")
    try:
        return _read(text, zone, start, end)
    except _BROKEN as error:
        raise Invalid(
            f"this is no iCalendar text that can be read: {error}"[:300], field="text"
        ) from error
    except _TooLong:
        raise TooLarge(
            "this calendar takes too long to expand; look for rules that never match, in its"
            " events and its time zones"
        ) from None


def _read(text: bytes, zone: str, start: datetime, end: datetime) -> CalendarShifts:
    found: list[FoundShift] = []
    left_out: list[str] = []
    with _Within(PARSE_S):
        known = icalendar.Calendar.from_ical(text)
        single, series = _series(known)
        for event in single:
            found += _shift(event, event.start, event.end, zone, (start, end))
    spent_s = 0.0
    for events in series:
        work = _Within(EVENT_S)
        occurrences = _occurrences(_alone(known, events), work, zone, (start, end))
        found += occurrences or ()
        if occurrences is None:
            left_out.append(_named(events))
        spent_s += work.spent_s
        if len(left_out) > LEFT_OUT_MAX:
            raise TooLarge(f"this calendar takes too long to expand: {'; '.join(left_out)}")
        if spent_s >= ALL_S:
            raise TooLarge("this calendar takes too long to expand: too much in it recurs")
        if len(found) > SHIFTS_MAX:
            break
    if len(found) > SHIFTS_MAX:
        raise TooLarge(f"more than {SHIFTS_MAX} shifts; ask for fewer days")
    found.sort(key=lambda one: (one.start_at, one.end_at))
    return CalendarShifts(shifts=tuple(found), left_out=tuple(left_out))


def _series(known: Any) -> tuple[list[Any], list[list[Any]]]:
    """Return the events that are there once, and each series with what replaces parts of it."""
    found: dict[str, list[Any]] = {}
    for at, event in enumerate(known.walk("VEVENT")):
        found.setdefault(str(event.get("UID", f"{_UNNAMED} {at}")), []).append(event)
    single: list[Any] = []
    series: list[list[Any]] = []
    for events in found.values():
        if len(events) == 1 and not _RECURS & set(events[0]):
            single += events
        else:
            series.append(events)
    return single, series


def _alone(known: Any, events: list[Any]) -> Any:
    """Return a calendar with these events alone, and with what decides about its zones."""
    alone = icalendar.Calendar()
    for name in ("CALSCALE", "X-WR-TIMEZONE"):
        if name in known:
            alone[name] = known[name]
    zones = [one for one in known.subcomponents if one.name == "VTIMEZONE"]
    alone.subcomponents = [*zones, *events]
    return alone


def _occurrences(
    alone: Any, work: "_Within", zone: str, stretch: tuple[datetime, datetime]
) -> list[FoundShift] | None:
    """Return all of a series; None, and not the first ones alone, where it takes too long."""
    try:
        with work:
            query = recurring_ical_events.of(alone)
            return list(islice(_expanded(query, zone, *stretch), SHIFTS_MAX + 1))
    except _TooLong:
        return None


def _expanded(query: Any, zone: str, start: datetime, end: datetime) -> Iterator[FoundShift]:
    for event in query.after(start):
        begin = event["DTSTART"].dt
        if _instant(begin, zone) >= end:
            return
        yield from _shift(event, begin, event["DTEND"].dt, zone, (start, end))


def _shift(
    event: Any, begin: date, over: date, zone: str, stretch: tuple[datetime, datetime]
) -> Iterator[FoundShift]:
    """Yield what an event says, if it has a moment in the stretch and was not called off."""
    start_at, end_at = _instant(begin, zone), _instant(over, zone)
    is_there = max(start_at, stretch[0]) < min(end_at, stretch[1])
    if is_there and str(event.get("STATUS", "")).upper() != "CANCELLED":
        yield FoundShift(
            summary=str(event.get("SUMMARY", ""))[:200], emails=_emails(event),
            start_at=start_at, end_at=end_at, key=_key(event),
        )  # fmt: skip


def _key(event: Any) -> str:
    """Return what an event is, whenever it is: its UID and, of a series, the day it belongs to.

    The day, and not the instant: a series whose hour moves is the same series.
    """
    uid = str(event.get("UID", ""))[:500]
    given = event.get("RECURRENCE-ID")
    if not uid or given is None:
        return uid
    at, place = given.dt, getattr(event["DTSTART"].dt, "tzinfo", None)
    if isinstance(at, datetime) and at.tzinfo is not None and place is not None:
        at = at.astimezone(place)  # it may be written in UTC where the series is not
    return f"{uid} {at:%Y-%m-%d}"


def _named(events: list[Any]) -> str:
    """Name the rule that does not match, and the event it stands in."""
    for event in events:
        for kind in ("RRULE", "EXRULE"):
            rules = event.get(kind)
            first = rules[0] if isinstance(rules, list) else rules
            if first is not None:
                summary = str(event.get("SUMMARY", ""))[:100]
                rule = f"{kind}:{first.to_ical().decode()[:200]}"
                return f"{rule} of {summary!r} matches too rarely, or never"
    return f"{str(events[0].get('SUMMARY', ''))[:100]!r} takes too long to expand"


def _instant(at: date, zone: str) -> datetime:
    """Return an instant; days begin at midnight, and floating times are local, in `zone`."""
    found = at if isinstance(at, datetime) else datetime.combine(at, time())
    return found if found.tzinfo is not None else found.replace(tzinfo=ZoneInfo(zone))


def _emails(event: Any) -> tuple[str, ...]:
    """Return the addresses of those who take part, in lower case (Grafana PR #1297)."""
    given = event.get("ATTENDEE", ())
    listed = given if isinstance(given, list) else [given]
    texts = [str(one) for one in (*listed, event.get("ORGANIZER", "")) if one]
    found = (text.casefold().removeprefix("mailto:") for text in texts)
    return tuple(dict.fromkeys(one for one in found if "@" in one))


class _Within:
    """So much time of the processor for a piece of work, which then ends with _TooLong."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self.spent_s = 0.0

    def __enter__(self) -> None:
        self._before = signal.signal(signal.SIGVTALRM, _end)
        signal.setitimer(signal.ITIMER_VIRTUAL, self._limit_s)

    def __exit__(self, *_: object) -> None:
        left_s, _interval_s = signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, self._before)
        self.spent_s = self._limit_s - left_s


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise _TooLong


def _answer(asked: Asked) -> Answered:
    try:
        return Answered(found=shifts(asked.text, asked.zone, asked.start, asked.end))
    except Refused as refused:
        return Answered(code=refused.code, detail=refused.detail, field=refused.field)


def main() -> None:
    """Answer one request from standard input to standard output, within hard limits."""
    os.nice(5)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_MAX_S, CPU_MAX_S))
    with suppress(ValueError, OSError):  # a system that knows no such limit
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX_BYTES, MEMORY_MAX_BYTES))
    use_tzdata_wheel_only()
    asked = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Asked)
    sys.stdout.buffer.write(msgspec.msgpack.encode(_answer(asked)))


if __name__ == "__main__":
    main()
