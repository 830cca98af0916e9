"""Rows of a calendar: shifts, layers and overrides as bars between half hours. Pure.

Days are columns of equal width in a zone's own calendar, so a bar is placed by wall clock and a day
of 23 or 25 hours needs no special case.
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.ids import PersonId
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import Gap, Shift

SLOTS_A_DAY = 48  # half hours
LETTERS = 140  # how many of them stand side by side over the whole width, about
INITIALS = 3
LINK_SHARE = 0.03  # of the width; what is narrower is no target for a finger or a mouse
HUES = 8


class Span(StrEnum):
    """How much a calendar shows."""

    WEEK = "week"
    TWO = "two"
    MONTH = "month"


class Extent(Struct, frozen=True):
    """The days that a calendar shows."""

    span: Span
    start_on: date
    days: int

    @property
    def end_on(self) -> date:
        """Return the last day."""
        return self.start_on + timedelta(days=self.days - 1)

    @property
    def before_on(self) -> date:
        """Return where the page before this one begins."""
        if self.span is Span.MONTH:
            return (self.start_on - timedelta(days=1)).replace(day=1)
        return self.start_on - timedelta(days=7)

    @property
    def after_on(self) -> date:
        """Return where the page after this one begins."""
        return self.start_on + timedelta(days=self.days if self.span is Span.MONTH else 7)

    @property
    def columns(self) -> int:
        """Return how many half hours it has."""
        return self.days * SLOTS_A_DAY

    def instants(self, zone: str) -> tuple[datetime, datetime]:
        """Return the instants between which its days lie in `zone`."""
        first = self.start_on
        at = datetime(first.year, first.month, first.day, tzinfo=ZoneInfo(zone))
        return at, at + timedelta(days=self.days)  # wall clock: aware arithmetic in one zone


class BarView(Struct, frozen=True, kw_only=True):
    """A stretch of a row: columns [first, last) count from 1, lanes from 1; person None: a gap.

    `notes` say what stands behind it, and by the clocks of who lives elsewhere when it is.
    """

    person: str | None
    label: str
    hue: int
    is_mine: bool
    is_override: bool = False
    is_away: bool = False
    first: int
    last: int
    lane: int = 1
    start_at: datetime
    end_at: datetime
    notes: tuple[str, ...] = ()
    href: str = ""


class RowView(Struct, frozen=True, kw_only=True):
    """A row of the calendar; `now` is the column of this instant, None: not on this page.

    `kind` is final, layer or override; `href` leads to the schedule.
    """

    name: str
    zone: str
    offset: str
    now: int | None
    bars: tuple[BarView, ...]
    kind: str = "final"
    href: str = ""


class Piece(Struct, frozen=True, kw_only=True):
    """What a bar shows before it is placed; nobody: a gap."""

    people: tuple[UUID, ...]
    start_at: datetime
    end_at: datetime
    notes: tuple[str, ...] = ()
    is_override: bool = False
    is_away: bool = False


class Drawing(Struct, frozen=True, kw_only=True):
    """What every row of a page shares."""

    extent: Extent
    directory: Directory
    hues: Mapping[UUID, int]
    now: datetime
    me: UUID | None

    def row(
        self,
        name: str,
        zone: str,
        pieces: Iterable[Piece],
        *,
        kind: str = "final",
        href: str = "",
        ask: str = "",
    ) -> RowView:
        """Place what a row shows; `ask` is where its bars lead, with their stretch behind it."""
        place = ZoneInfo(zone)
        at = column(self.now, place, self.extent.start_on)
        bars = [self._bar(one, place, ask) for one in pieces]
        return RowView(
            name=name, zone=zone, offset=offset(self.now.astimezone(place)), kind=kind,
            href=href, now=at if 1 <= at <= self.extent.columns else None,
            bars=_in_lanes(bar for bar in bars if bar.first < bar.last),
        )  # fmt: skip

    def _bar(self, piece: Piece, place: ZoneInfo, ask: str) -> BarView:
        extent = self.extent
        first = max(1, column(piece.start_at, place, extent.start_on))
        last = min(extent.columns + 1, column(piece.end_at, place, extent.start_on))
        share = (last - first) / extent.columns
        name = self.directory.names_of(piece.people) or None
        start_at, end_at = piece.start_at.astimezone(place), piece.end_at.astimezone(place)
        return BarView(
            person=name, label=_label(name or "Gap", share),
            hue=self.hues.get(piece.people[0], 0) if piece.people else 0,
            is_mine=self.me is not None and self.me in piece.people,
            is_override=piece.is_override, is_away=piece.is_away, first=first, last=last,
            start_at=start_at, end_at=end_at,
            notes=(*piece.notes, *self._elsewhere(piece, place)),
            href=_prefilled(ask, start_at, end_at)
            if ask and end_at > self.now and share >= LINK_SHARE
            else "",
        )  # fmt: skip

    def _elsewhere(self, piece: Piece, place: ZoneInfo) -> Iterable[str]:
        """Say when a shift is by the clocks of those who live by others than the row's."""
        for key in piece.people:
            person = self.directory.people.get(PersonId(key))
            if person is None:
                continue
            own = ZoneInfo(person.zone)
            start, end = piece.start_at.astimezone(own), piece.end_at.astimezone(own)
            if start.utcoffset() != piece.start_at.astimezone(place).utcoffset():
                yield (
                    f"for {person.display_name} {start:%a %H:%M} to {end:%a %H:%M},"
                    f" {offset(start)}"
                )


def extent_of(span: Span, on: date) -> Extent:
    """Return the page on which a day lies, or that begins in its week."""
    if span is Span.MONTH:
        return Extent(span, on.replace(day=1), monthrange(on.year, on.month)[1])
    return Extent(span, on - timedelta(days=on.weekday()), 7 if span is Span.WEEK else 14)


def hues_of(people: Iterable[UUID]) -> dict[UUID, int]:
    """Give each person a colour, the same one on every row."""
    found = sorted(set(people), key=str)
    return {person_id: at % HUES for at, person_id in enumerate(found)}


def final_pieces(shifts: Sequence[Shift], gaps: Sequence[Gap]) -> list[Piece]:
    """Show who has a slot, where an override decides that, and where nobody has it."""
    found = [
        Piece(
            people=one.people, start_at=one.start_at, end_at=one.end_at,
            is_override=bool(one.overrides), notes=("by override",) if one.overrides else (),
        )
        for one in joined(shifts, apart=True)
    ]  # fmt: skip
    found += [Piece(people=(), start_at=one.start_at, end_at=one.end_at) for one in gaps]
    return sorted(found, key=lambda one: one.start_at)


def layer_pieces(shifts: Sequence[Shift]) -> list[Piece]:
    """Show what a layer says by itself."""
    return [
        Piece(people=one.people, start_at=one.start_at, end_at=one.end_at)
        for one in joined(shifts)
    ]


def _in_lanes(bars: Iterable[BarView]) -> tuple[BarView, ...]:
    """Put bars that overlap below each other."""
    ends: list[int] = []
    found: list[BarView] = []
    for bar in sorted(bars, key=lambda one: (one.first, one.start_at)):
        lane = next((at for at, end in enumerate(ends) if end <= bar.first), len(ends))
        ends[lane : lane + 1] = [bar.last]
        found.append(replace(bar, lane=lane + 1))
    return tuple(found)


def _prefilled(ask: str, start_at: datetime, end_at: datetime) -> str:
    stretch = {"from": start_at.isoformat(), "to": end_at.isoformat()}
    return f"{ask}{'&' if '?' in ask else '?'}{urlencode(stretch)}"


def column(at: datetime, zone: ZoneInfo, start_on: date) -> int:
    """Return the half hour of the page in which clocks show `at`, counted from 1."""
    local = at.astimezone(zone)
    days = (local.date() - start_on).days
    return days * SLOTS_A_DAY + round((local.hour * 60 + local.minute) / 30) + 1


def joined(shifts: Sequence[Shift], *, apart: bool = False) -> list[Shift]:
    """Put turns together that follow each other and are the same person's.

    `apart`: those by override stay apart from those by layers.
    """
    found: list[Shift] = []
    for one in shifts:
        last = found[-1] if found else None
        is_same = last and last.people == one.people and last.end_at == one.start_at
        if is_same and last and not (apart and bool(last.overrides) != bool(one.overrides)):
            found[-1] = replace(last, end_at=one.end_at)
        else:
            found.append(one)
    return found


def _label(name: str, share: float) -> str:
    """Shorten a name to what fits into its share of the width."""
    letters = share * LETTERS
    if len(name) + 2 <= letters:
        return name
    return "".join(word[0] for word in name.split()[:2]).upper() if letters >= INITIALS else ""


def offset(at: datetime) -> str:
    """Spell how far a clock is from UTC: UTC+1, UTC-3:30."""
    minutes = int((at.utcoffset() or timedelta()).total_seconds() // 60)
    sign = "-" if minutes < 0 else "+"
    hours, rest = divmod(abs(minutes), 60)
    if not minutes:
        return "UTC"
    return f"UTC{sign}{hours}" + (f":{rest:02}" if rest else "")
