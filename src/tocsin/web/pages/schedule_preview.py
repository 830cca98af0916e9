"""What a schedule that nobody has saved would be, and what it changes for whom."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.errors import Refused
from tocsin.kernel.ids import PersonId, uuid7
from tocsin.kernel.resources import Document, Managed, Store
from tocsin.kernel.resources.reading import typed
from tocsin.kernel.snapshot import Resource, Resources
from tocsin.kernel.unit import Unit
from tocsin.oncall import reads
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.config.layers import to_schedule
from tocsin.oncall.core.schedule import final
from tocsin.oncall.core.schedule.final import layer_pieces
from tocsin.oncall.core.schedule.subscribed import source_of
from tocsin.oncall.core.schedule.turns import instant
from tocsin.oncall.core.schedule.versions import Edit, succeed
from tocsin.oncall.model import (
    CalendarLayer,
    Layer,
    Plan,
    Schedule,
    Shift,
    TemporaryShift,
    Timeline,
)
from tocsin.web.pages import oncall_views as views
from tocsin.web.pages import schedule_bars as bars
from tocsin.web.pages.resource_views import PlanView, plan_view

DAYS = 14
Who = tuple[PersonId, ...]
Said = Mapping[str, tuple[TemporaryShift, ...]]


class CalendarLine(Struct, frozen=True):
    """What is known of the calendar of a layer; not `is_known`: what is shown lacks its shifts."""

    words: str
    is_known: bool


class Preview(Struct, frozen=True, kw_only=True):
    """The next fourteen days and what changes for whom; else what is wrong, and in which field."""

    followed: tuple[CalendarLine, ...] = ()
    calendar: views.CalendarView | None = None
    plan: PlanView | None = None
    moved: tuple[str, ...] = ()
    error: str = ""
    field: str | None = None


async def preview(unit: Unit, store: Store, document: Document) -> Preview:
    """Resolve a document that is not in force, with all that was agreed beside it.

    Checked by the code that would save it; nothing is kept. Raises Refused.
    """
    unit.require("resource:read")
    plan = await store.plan(unit, [document], managed_by=Managed.SCREEN)
    before, after, followed = await _meant(unit, store, document)
    start, end = unit.now, unit.now + timedelta(days=DAYS)
    moved = (
        changes(
            final(before, start, end),
            final(after, start, end),
            unit.config(Directory),
            start=start,
            end=end,
        )
        if before
        else ()
    )
    return Preview(
        calendar=_calendar(unit, after), plan=plan_view(plan), moved=tuple(moved),
        followed=followed,
    )  # fmt: skip


def refused(error: Refused) -> Preview:
    """Say what is wrong with a document."""
    return Preview(error=error.detail, field=getattr(error, "field", None))


def changes(
    before: Plan, after: Plan, directory: Directory, *, start: datetime, end: datetime
) -> Iterator[str]:
    """Say who would have what in [start, end) that somebody else has; by the schedule's clocks."""
    place = ZoneInfo(after.schedule.zone)
    for slot in dict.fromkeys((*after.schedule.slots, *before.schedule.slots)):
        old, new = before.of(slot).shifts, after.of(slot).shifts
        edges = sorted(
            {
                min(max(at, start), end)
                for one in (*old, *new)
                for at in (one.start_at, one.end_at)
            }
        )
        found: list[tuple[Who, Who, datetime, datetime]] = []
        for begin, over in pairwise(edges):
            was, will = _who(old, begin), _who(new, begin)
            if found and found[-1][:2] == (was, will) and found[-1][3] == begin:
                found[-1] = (*found[-1][:3], over)
            else:
                found.append((was, will, begin, over))
        for was, will, begin, over in found:
            if was != will:
                yield (
                    f"{directory.names_of(will) or 'Nobody'} instead of"
                    f" {directory.names_of(was) or 'nobody'},"
                    f" {_span(begin, over, place, start, end)}, {slot}"
                )


def _span(
    begin: datetime, over: datetime, place: ZoneInfo, start: datetime, end: datetime
) -> str:
    """Say from when until when; beyond [start, end) nobody has looked."""
    since = "now" if begin == start else f"{begin.astimezone(place):%a %-d %b %H:%M}"
    if over == end:
        return "from now on" if begin == start else f"from {since} on"
    return f"{since} to {over.astimezone(place):%a %-d %b %H:%M}"


def _who(shifts: Sequence[Shift], at: datetime) -> Who:
    return next((one.people for one in shifts if one.start_at <= at < one.end_at), ())


async def _meant(
    unit: Unit, store: Store, document: Document
) -> tuple[Timeline | None, Timeline, tuple[CalendarLine, ...]]:
    """Return the timeline as it is (None: there is none), and as it would be, were it saved now.

    Calendars say what they said when they were read last.
    """
    known = unit.config(Directory)
    before = next(
        (one for one in known.schedules.values() if one.name == document.metadata.name), None
    )
    wanted = await store.meant(unit, document)
    spec = typed(store.kinds["Schedule"], wanted)
    after = _compiled(known, spec, wanted.name, before.id if before else uuid7())
    start, end = unit.now, unit.now + timedelta(days=DAYS + 1)
    said = await reads.calendars_said(unit, before, start, end) if before else {}
    lines = tuple(_lines(after, said, await reads.calendars_of(unit, before) if before else []))
    after = replace(after, layers=tuple(_told(one, said) for one in after.layers))
    timeline = await reads.timeline_of(unit, before or after, start, end)
    there = {key for key, one in known.people.items() if one.active}
    was = timeline.schedule if before else None
    edit = Edit(before=was, after=after, at=unit.now, exact=False, there=there)
    meant = replace(timeline, schedule=after, versions=succeed(timeline.versions, edit))
    return timeline if before else None, meant, lines


def _told(layer: Layer, said: Said) -> Layer:
    return replace(layer, shifts=said[layer.source]) if layer.source in said else layer


def _lines(
    schedule: Schedule, said: Said, calendars: Sequence[CalendarLayer]
) -> Iterator[CalendarLine]:
    """Say of each layer that follows a calendar how old what is shown of it is."""
    known = {source_of(one.url): one for one in calendars}
    place = ZoneInfo(schedule.zone)
    for one in (layer for layer in schedule.layers if layer.source):
        calendar = known.get(one.source)
        at = calendar.read_at if calendar and one.source in said else None
        why = f" The last try: {calendar.error}." if calendar and calendar.error else ""
        if at is not None:
            when = f"{at.astimezone(place):%a %-d %b %H:%M}"
            words = f"Layer {one.name}: as its calendar was read last, {when}."
        else:
            words = (
                f"Layer {one.name} follows a calendar that was not read yet: its shifts are not"
                " known, and all below is without them. They come within minutes of saving."
            )
        yield CalendarLine(words + why, is_known=at is not None)


def _compiled(known: Directory, spec: object, name: str, schedule_id: UUID) -> Schedule:
    own = Resource(schedule_id, "Schedule", name, spec)
    people = [Resource(one.id, "Person", one.name, None) for one in known.people.values()]
    return to_schedule(own, Resources([own, *people]))


def _calendar(unit: Unit, timeline: Timeline) -> views.CalendarView:
    found = timeline.schedule
    today = unit.now.astimezone(ZoneInfo(found.zone)).date()
    extent = bars.Extent(bars.Span.MONTH, today, DAYS)  # narrow heads
    start, end = extent.instants(found.zone)
    plan = final(timeline, max(start, unit.now), end)
    people = [who for shift in plan.shifts for who in shift.people]
    drawing = bars.Drawing(
        extent=extent, directory=unit.config(Directory), now=unit.now, me=unit.actor.person_id,
        hues=bars.hues_of([*people, *found.people]),
    )  # fmt: skip
    rows = []
    for slot in found.slots:
        own = plan.of(slot)
        name = f"Final, {slot}" if len(found.slots) > 1 else "Final schedule"
        rows.append(drawing.row(name, found.zone, bars.final_pieces(own.shifts, own.gaps)))
    for slot in found.slots:
        for name, pieces in reversed(layer_pieces(timeline, slot, start, end).items()):
            drawn = [
                bars.Piece(
                    people=one.people, start_at=instant(one.start_s), end_at=instant(one.end_s)
                )
                for one in pieces
            ]
            rows.append(drawing.row(name, found.zone, drawn, kind="layer"))
    asked = views.Asked(path="", span=bars.Span.TWO, clock=views.Clock.SCHEDULE)
    return replace(views.calendar(rows, drawing, asked), spans=())
