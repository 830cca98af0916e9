"""Shifts as an iCalendar text (RFC 5545): in UTC, with names that stay theirs; no library needed."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

from msgspec import Struct

from tocsin.kernel.ids import PersonId
from tocsin.oncall.model import Schedule, Shift

OCTETS = 75  # a line, RFC 5545 §3.1
NAMES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n", "\r": ""})


class Entry(Struct, frozen=True, kw_only=True):
    """One event: a shift of a schedule, and how it is called for good."""

    uid: str
    schedule: str
    shift: Shift


class Revision(Struct, frozen=True):
    """How often what a calendar says has changed, and when it did so last."""

    sequence: int
    changed_at: datetime


def entries(schedule: Schedule, shifts: Sequence[Shift], since: datetime) -> Iterator[Entry]:
    """Name shifts by their turn: what moves keeps its name, and no name is there twice.

    `shifts` begin a turn or more before `since`; those that end by then are left out. Grafana PR
    #2760: two events had one UID, and calendars showed one of them.
    """
    counts: dict[tuple[str, str, int, UUID | None], int] = {}
    for shift in shifts:
        by = None if shift.layer else (shift.overrides[0] if shift.overrides else None)
        key = (shift.slot, shift.layer, shift.k, by)
        part = counts[key] = counts.get(key, -1) + 1
        if shift.end_at > since:
            of = f"{by}" if by else f"{shift.layer}.{shift.k}"
            uid = f"{schedule.id}.{shift.slot}.{of}.{part}@tocsin"
            yield Entry(uid=uid, schedule=schedule.name, shift=shift)


def digest(found: Sequence[Entry], name_of: Callable[[PersonId], str]) -> str:
    """Return what tells two states of a calendar apart, whatever order they come in."""
    said = sorted(
        (one.uid, one.shift.start_at.isoformat(), one.shift.end_at.isoformat(),
         _summary(one, name_of))
        for one in found
    )  # fmt: skip
    return sha256(repr(said).encode()).hexdigest()


def calendar(
    name: str, found: Sequence[Entry], name_of: Callable[[PersonId], str], revision: Revision
) -> str:
    """Write a calendar: the same entries and revision make the same text, byte for byte.

    An event that has moved has a higher SEQUENCE than before; others may have, too.
    """
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Tocsin//On-call//EN",
        "CALSCALE:GREGORIAN",
        f"X-WR-CALNAME:{_text(name)}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
    ]
    for one in sorted(found, key=lambda entry: (entry.shift.start_at, entry.uid)):
        lines += _event(one, name_of, revision)
    lines.append("END:VCALENDAR")
    return "".join(f"{folded}\r\n" for line in lines for folded in _folded(line))


def _summary(one: Entry, name_of: Callable[[PersonId], str]) -> str:
    who = ", ".join(name_of(person_id) for person_id in one.shift.people)
    slot = "" if one.shift.slot == "primary" else f" ({one.shift.slot})"
    return f"{who}: {one.schedule}{slot}"


def _event(one: Entry, name_of: Callable[[PersonId], str], revision: Revision) -> list[str]:
    shift = one.shift
    return [
        "BEGIN:VEVENT",
        f"UID:{_text(one.uid)}",
        # of what is published the stamp is when it was last changed (RFC 5545 §3.8.7.2)
        f"DTSTAMP:{_instant(revision.changed_at)}",
        f"LAST-MODIFIED:{_instant(revision.changed_at)}",
        f"SEQUENCE:{revision.sequence}",
        f"DTSTART:{_instant(shift.start_at)}",
        f"DTEND:{_instant(shift.end_at)}",
        f"SUMMARY:{_text(_summary(one, name_of))}",
        "CATEGORIES:ON-CALL",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(text: str) -> str:
    return text.translate(NAMES)


def _folded(line: str) -> Iterator[str]:
    """Cut a line after 75 octets, never inside a character."""
    part, size, most = "", 0, OCTETS
    for sign in line:
        octets = len(sign.encode())
        if size + octets > most:
            yield part
            part, size, most = " ", 1, OCTETS
        part += sign
        size += octets
    yield part
