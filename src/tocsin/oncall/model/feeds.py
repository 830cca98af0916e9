"""Calendars that programs read by an address of their own."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from tocsin.kernel.ids import PersonId


class FeedKind(StrEnum):
    """Whose shifts a calendar holds."""

    PERSON = "person"
    SCHEDULE = "schedule"
    TEAM = "team"


class Feed(Struct, frozen=True, kw_only=True):
    """A calendar behind a token. `name` is the schedule's, the team's or another person's.

    `owner_id` made it. `sequence` counts how often what it says has changed, last at `changed_at`.
    """

    id: UUID
    kind: FeedKind
    person_id: PersonId | None = None
    name: str = ""
    owner_id: PersonId
    author: str
    created_at: datetime
    used_at: datetime | None = None
    sequence: int = 0
    digest: str = ""
    changed_at: datetime | None = None


class FoundShift(Struct, frozen=True, kw_only=True):
    """An event of somebody else's calendar: untrusted text, length-limited.

    `key` is the same as long as it is the same event, also when that moves; "": it has no UID.
    """

    summary: str
    emails: tuple[str, ...]
    start_at: datetime
    end_at: datetime
    key: str = ""


class CalendarShifts(Struct, frozen=True, kw_only=True):
    """What a calendar expands to, soonest first; `left_out` names rules that never match."""

    shifts: tuple[FoundShift, ...]
    left_out: tuple[str, ...] = ()
