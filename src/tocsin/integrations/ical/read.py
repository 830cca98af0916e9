"""Read shifts out of an iCalendar text: recurrences, exceptions and moved events by a library.

The text is untrusted: its size, its events and what they expand to are limited.
"""

import asyncio
import re
from collections.abc import Iterator
from datetime import date, datetime, time
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from tocsin.integrations.outbound import Blocked, Outbound, Unreachable
from tocsin.kernel.errors import Invalid, TooLarge, Unavailable
from tocsin.oncall.model import FoundShift

BYTES_MAX = 1024 * 1024
EVENTS_MAX = 2000  # that are written
SHIFTS_MAX = 2000  # that they expand to
RULES_MAX = 200  # of events and of time zones
TIMEOUT_S = 10.0
_FOLD = re.compile(rb"(?:\r?\n)+[ \t]")
_EVENT = re.compile(rb"(?im)^BEGIN:VEVENT")
_RULE = re.compile(rb"(?im)^(?:RRULE|EXRULE)\b")
# a library expands these before anybody can count them
_BOMB = re.compile(
    rb"(?im)^(?:RRULE|EXRULE)\b[^\n]*"
    rb"(?:FREQ\s*=\s*(?:SECONDLY|MINUTELY|HOURLY)|BY(?:SECOND|MINUTE|HOUR|SETPOS)\b)"
)
_BROKEN = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError)


class Calendars:
    """Reads calendars that are sent, or fetched from an address outside of our own network."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound

    async def fetch(self, url: str) -> bytes:
        """Return what an address answers. Raises Invalid, Unavailable, TooLarge."""
        try:
            answer = await self._outbound.request(
                "GET", url, headers={"accept": "text/calendar"}
            )
        except Blocked as blocked:
            raise Invalid(f"url: {blocked}", field="url") from blocked
        except Unreachable as unreachable:
            raise Unavailable(f"the calendar's server: {unreachable}") from unreachable
        if answer.status != 200:  # noqa: PLR2004 - OK
            raise Invalid(f"url: the server answered {answer.status}", field="url")
        return answer.body

    async def read(
        self, text: bytes, zone: str, start: datetime, end: datetime
    ) -> list[FoundShift]:
        """Expand a calendar in [start, end), soonest first. Raises Invalid, TooLarge."""
        if len(text) > BYTES_MAX:
            raise TooLarge(f"a calendar may have {BYTES_MAX} bytes")
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await asyncio.to_thread(shifts, text, zone, start, end)
        except TimeoutError:
            raise TooLarge("this calendar takes too long to expand; cut it down") from None


def shifts(text: bytes, zone: str, start: datetime, end: datetime) -> list[FoundShift]:
    """Expand a calendar in [start, end); times without a zone are by the clocks of `zone`."""
    flat = _FOLD.sub(b"", text)
    if len(_EVENT.findall(flat)) > EVENTS_MAX or len(_RULE.findall(flat)) > RULES_MAX:
        raise TooLarge(f"a calendar may have {EVENTS_MAX} events, {RULES_MAX} of which recur")
    if _BOMB.search(flat):
        raise Invalid("events may recur daily or more rarely", field="text")
    try:
        known = icalendar.Calendar.from_ical(text)
        found = list(islice(_expanded(known, zone, start, end), SHIFTS_MAX + 1))
    except _BROKEN as error:
        raise Invalid(
            f"this is no iCalendar text that can be read: {error}"[:300], field="text"
        ) from error
    if len(found) > SHIFTS_MAX:
        raise TooLarge(f"more than {SHIFTS_MAX} shifts; ask for fewer days")
    return found


def _expanded(known: Any, zone: str, start: datetime, end: datetime) -> Iterator[FoundShift]:
    for event in recurring_ical_events.of(known).after(start):
        begin = _instant(event["DTSTART"].dt, zone)
        if begin >= end:
            return
        over = _instant(event["DTEND"].dt, zone)
        if over > begin and str(event.get("STATUS", "")).upper() != "CANCELLED":
            yield FoundShift(
                summary=str(event.get("SUMMARY", ""))[:200], emails=_emails(event),
                start_at=begin, end_at=over,
            )  # fmt: skip


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
