"""What is said between Tocsin and the process that expands calendars, as MessagePack."""

from datetime import datetime

from msgspec import Struct

from tocsin.oncall.model import CalendarShifts


class Asked(Struct, frozen=True, kw_only=True):
    """What the process is asked: a text, and the stretch it is expanded in."""

    text: bytes
    zone: str
    start: datetime
    end: datetime


class Answered(Struct, frozen=True, kw_only=True):
    """What it answers: the shifts, or why not; `code` is that of the refusal."""

    found: CalendarShifts | None = None
    code: str = ""
    detail: str = ""
    field: str | None = None
