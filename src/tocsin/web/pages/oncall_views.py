"""The on-call screen's calendar and cards. Pure.

Days are columns of equal width in a zone's own calendar, so a bar is placed by wall clock and a day
of 23 or 25 hours needs no special case.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.coverage import Plan
from tocsin.oncall.core.rotation import Shift
from tocsin.oncall.model import Rotation

DAYS = 14
SLOTS_A_DAY = 48  # half hours; 672 columns
SHORT = SLOTS_A_DAY  # a bar that is no wider than a day shows initials
HUES = 8


class DayView(Struct, frozen=True):
    """A column's head."""

    on: date
    is_today: bool


class BarView(Struct, frozen=True, kw_only=True):
    """A stretch of a row: columns [first, last) count from 1; person None: a gap."""

    person: str | None
    label: str
    hue: int
    is_mine: bool
    first: int
    last: int
    start_at: datetime
    end_at: datetime


class RowView(Struct, frozen=True, kw_only=True):
    """A schedule in the calendar; `now` is the column of this instant, None: not on this page."""

    name: str
    zone: str
    offset: str
    now: int | None
    bars: tuple[BarView, ...]


class DutyView(Struct, frozen=True, kw_only=True):
    """A schedule's card: who has it, until when, who is next, how well it is covered."""

    name: str
    zone: str
    person: str | None
    until: datetime | None
    then: str | None
    covered: str
    is_covered: bool


class TurnView(Struct, frozen=True, kw_only=True):
    """One of my turns."""

    schedule: str
    start_at: datetime
    end_at: datetime
    is_now: bool


class CalendarView(Struct, frozen=True, kw_only=True):
    """Two weeks of every schedule."""

    days: tuple[DayView, ...]
    rows: tuple[RowView, ...]
    zone: str | None
    gap_count: int
    start_on: date
    end_on: date
    before_on: date
    after_on: date
    is_present: bool


def monday(on: date) -> date:
    """Return the Monday of that week."""
    return on - timedelta(days=on.weekday())


def stretch(zone: str, start_on: date) -> tuple[datetime, datetime]:
    """Return the instants between which a row's days lie."""
    at = datetime(start_on.year, start_on.month, start_on.day, tzinfo=ZoneInfo(zone))
    return at, at + timedelta(days=DAYS)  # wall clock: aware arithmetic in one zone


def hues(plans: Iterable[Plan]) -> dict[UUID, int]:
    """Give each person on the page a colour, the same one on every row."""
    people = dict.fromkeys(shift.person_id for plan in plans for shift in plan.shifts)
    return {person_id: at % HUES for at, person_id in enumerate(sorted(people, key=str))}


def calendar(
    plans: Sequence[tuple[Plan, str]],
    directory: Directory,
    *,
    start_on: date,
    now: datetime,
    me: UUID | None,
) -> CalendarView:
    """Show `plans`, each with the zone in which its row is drawn."""
    colours = hues(plan for plan, _ in plans)
    zones = {zone for _, zone in plans}
    today = {now.astimezone(ZoneInfo(zone)).date() for zone in zones or {"UTC"}}
    days = [start_on + timedelta(days=at) for at in range(DAYS)]
    return CalendarView(
        days=tuple(DayView(on=on, is_today=on in today) for on in days),
        rows=tuple(
            _row(
                plan,
                zone,
                directory=directory,
                colours=colours,
                start_on=start_on,
                now=now,
                me=me,
            )
            for plan, zone in plans
        ),
        zone=zones.pop() if len(zones) == 1 else None,
        gap_count=sum(len(plan.gaps) for plan, _ in plans),
        start_on=start_on,
        end_on=days[-1],
        before_on=start_on - timedelta(days=7),
        after_on=start_on + timedelta(days=7),
        is_present=any(on in today for on in days[:7]),
    )


def _row(  # noqa: PLR0913 - what a row is made of
    plan: Plan,
    zone: str,
    *,
    directory: Directory,
    colours: Mapping[UUID, int],
    start_on: date,
    now: datetime,
    me: UUID | None,
) -> RowView:
    place = ZoneInfo(zone)
    spans: list[tuple[UUID | None, datetime, datetime]]
    spans = [(one.person_id, one.start_at, one.end_at) for one in joined(plan.shifts)]
    spans += [(None, one.start_at, one.end_at) for one in plan.gaps]
    bars = []
    for person_id, start_at, end_at in spans:
        first = max(1, column(start_at, place, start_on))
        last = min(DAYS * SLOTS_A_DAY + 1, column(end_at, place, start_on))
        name = directory.name_of(person_id) if person_id else None
        bars.append(
            BarView(
                person=name, label=_label(name or "Gap", last - first),
                hue=colours[person_id] if person_id else 0,
                is_mine=person_id is not None and person_id == me, first=first, last=last,
                start_at=start_at.astimezone(place), end_at=end_at.astimezone(place),
            )
        )  # fmt: skip
    at = column(now, place, start_on)
    return RowView(
        name=plan.rotation.name,
        zone=zone,
        offset=offset(now.astimezone(place)),
        now=at if 1 <= at <= DAYS * SLOTS_A_DAY else None,
        bars=tuple(
            sorted((bar for bar in bars if bar.first < bar.last), key=lambda bar: bar.start_at)
        ),
    )


def column(at: datetime, zone: ZoneInfo, start_on: date) -> int:
    """Return the half hour of the page in which clocks show `at`, counted from 1."""
    local = at.astimezone(zone)
    days = (local.date() - start_on).days
    return days * SLOTS_A_DAY + round((local.hour * 60 + local.minute) / 30) + 1


def joined(shifts: Sequence[Shift]) -> list[Shift]:
    """Put turns together that follow each other and are the same person's."""
    found: list[Shift] = []
    for one in shifts:
        last = found[-1] if found else None
        if last and last.person_id == one.person_id and last.end_at == one.start_at:
            found[-1] = Shift(
                k=last.k, person_id=one.person_id, start_at=last.start_at, end_at=one.end_at
            )
        else:
            found.append(one)
    return found


def _label(name: str, slots: int) -> str:
    if slots > SHORT:
        return name
    return "".join(word[0] for word in name.split()[:2]).upper()


def offset(at: datetime) -> str:
    """Spell how far a clock is from UTC: UTC+1, UTC-3:30."""
    minutes = int((at.utcoffset() or timedelta()).total_seconds() // 60)
    sign = "-" if minutes < 0 else "+"
    hours, rest = divmod(abs(minutes), 60)
    if not minutes:
        return "UTC"
    return f"UTC{sign}{hours}" + (f":{rest:02}" if rest else "")


def duty(
    rotation: Rotation,
    shift: Shift | None,
    coming: Sequence[Shift],
    directory: Directory,
    *,
    covered: float,
    zone: str,
) -> DutyView:
    """Show who has a schedule; `coming` are the shifts after the present one."""
    place = ZoneInfo(zone)
    runs = joined([shift, *coming] if shift else coming)
    until, after = None, runs
    if runs:
        until, after = (runs[0].end_at, runs[1:]) if shift else (runs[0].start_at, runs)
    return DutyView(
        name=rotation.name,
        zone=zone,
        person=directory.name_of(shift.person_id) if shift else None,
        until=until.astimezone(place) if until else None,
        then=directory.name_of(after[0].person_id) if after else None,
        covered=f"{covered:.1%}".replace("%", " %"),
        is_covered=covered >= 1,
    )


def turns(
    mine: Sequence[tuple[Rotation, Shift]], *, now: datetime, zone: str
) -> tuple[TurnView, ...]:
    """Show my turns by my own clock."""
    place = ZoneInfo(zone)
    return tuple(
        TurnView(
            schedule=one.name,
            start_at=shift.start_at.astimezone(place),
            end_at=shift.end_at.astimezone(place),
            is_now=shift.start_at <= now,
        )
        for one, shift in mine
    )
