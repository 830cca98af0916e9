"""The on-call screens' cards and calendar, as values. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from enum import StrEnum
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from msgspec import Struct

from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import Schedule, Shift
from tocsin.web.pages.schedule_bars import Drawing, Extent, RowView, Span, extent_of, joined

SPAN_WORDS = {Span.WEEK: "Week", Span.TWO: "Two weeks", Span.MONTH: "Month"}


class Clock(StrEnum):
    """By whose clock times are shown."""

    SCHEDULE = "schedule"
    MINE = "mine"


class DayView(Struct, frozen=True):
    """A column's head; `holidays` names the public ones."""

    on: date
    is_today: bool
    holidays: str = ""


class DutyView(Struct, frozen=True, kw_only=True):
    """A slot's card: who has it, until when, who is next, how well it is covered."""

    name: str
    zone: str
    person: str | None
    until: datetime | None
    then: str | None
    covered: str
    is_covered: bool
    href: str = ""


class TurnView(Struct, frozen=True, kw_only=True):
    """One of my turns; `key` is what a swap calls it by, "" for one that cannot be swapped."""

    schedule: str
    slot: str
    start_at: datetime
    end_at: datetime
    is_now: bool
    key: str = ""


class Choice(Struct, frozen=True):
    """One of several ways to see the same."""

    label: str
    href: str
    is_here: bool


class CalendarView(Struct, frozen=True, kw_only=True):
    """Some days of some schedules."""

    extent: Extent
    days: tuple[DayView, ...]
    rows: tuple[RowView, ...]
    zone: str | None
    gap_count: int
    is_present: bool
    before: str
    after: str
    today: str
    spans: tuple[Choice, ...]
    clocks: tuple[Choice, ...]


class Asked(Struct, frozen=True, kw_only=True):
    """What the address of a calendar asks for."""

    path: str
    span: Span
    clock: Clock
    on: date | None = None

    def at(self, on: date | None, span: Span | None = None, clock: Clock | None = None) -> str:
        """Return the address of the same page, otherwise."""
        asks = {
            "from": on.isoformat() if on else None,
            "span": None if (span or self.span) is Span.TWO else (span or self.span),
            "clock": None if (clock or self.clock) is Clock.SCHEDULE else Clock.MINE,
        }
        query = urlencode({name: value for name, value in asks.items() if value})
        return f"{self.path}?{query}" if query else self.path


def calendar(
    rows: Sequence[RowView],
    drawing: Drawing,
    asked: Asked,
    *,
    my_zone: str | None = None,
    holidays: Iterable[tuple[date, str]] = (),
) -> CalendarView:
    """Show `rows`; `my_zone` where it differs from theirs, so that one may choose."""
    extent = drawing.extent
    zones = {one.zone for one in rows}
    today = {drawing.now.astimezone(ZoneInfo(zone)).date() for zone in zones or {"UTC"}}
    named: dict[date, list[str]] = {}
    for on, name in holidays:
        named.setdefault(on, []).append(name)
    days = [date.fromordinal(extent.start_on.toordinal() + at) for at in range(extent.days)]
    clocks = ((Clock.SCHEDULE, "Schedule time"), (Clock.MINE, my_zone or ""))
    return CalendarView(
        extent=extent,
        days=tuple(
            DayView(on, on in today, ", ".join(dict.fromkeys(named.get(on, ())))) for on in days
        ),
        rows=tuple(rows),
        zone=zones.pop() if len(zones) == 1 else None,
        gap_count=sum(bar.person is None for row in rows for bar in row.bars),
        is_present=any(on in today for on in (days if extent.span is Span.MONTH else days[:7])),
        before=asked.at(extent.before_on),
        after=asked.at(extent.after_on),
        today=asked.at(None),
        spans=tuple(
            Choice(words, asked.at(asked.on, span=span), asked.span is span)
            for span, words in SPAN_WORDS.items()
        ),
        clocks=tuple(
            Choice(label, asked.at(asked.on, clock=clock), asked.clock is clock)
            for clock, label in clocks
        )
        if my_zone
        else (),
    )


def extent_at(asked: Asked, now: datetime, zone: str) -> Extent:
    """Return the days that an address asks for, else those around now."""
    return extent_of(asked.span, asked.on or now.astimezone(ZoneInfo(zone)).date())


def duty(  # noqa: PLR0913 - what a card says
    name: str,
    shift: Shift | None,
    coming: Sequence[Shift],
    directory: Directory,
    *,
    covered: float,
    zone: str,
    href: str = "",
) -> DutyView:
    """Show who has a slot; `coming` are the shifts after the present one."""
    place = ZoneInfo(zone)
    runs = joined([shift, *coming] if shift else coming)
    until, after = None, runs
    if runs:
        until, after = (runs[0].end_at, runs[1:]) if shift else (runs[0].start_at, runs)
    return DutyView(
        name=name,
        zone=zone,
        person=directory.names_of(shift.people) if shift else None,
        until=until.astimezone(place) if until else None,
        then=directory.names_of(after[0].people) if after else None,
        covered=f"{covered:.1%}".replace("%", " %"),
        is_covered=covered >= 1,
        href=href,
    )


def turns(
    mine: Sequence[tuple[Schedule, Shift]], *, now: datetime, zone: str
) -> tuple[TurnView, ...]:
    """Show my turns by my own clock."""
    place = ZoneInfo(zone)
    return tuple(
        TurnView(
            schedule=one.name,
            slot=shift.slot if len(one.slots) > 1 else "",
            start_at=shift.start_at.astimezone(place),
            end_at=shift.end_at.astimezone(place),
            is_now=shift.start_at <= now,
            key=turn_key(shift) if shift.layer else "",
        )
        for one, shift in mine
    )


def turn_key(shift: Shift) -> str:
    """Spell a turn's identity as forms carry it."""
    return f"{shift.layer}/{shift.k}"
