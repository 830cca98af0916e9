"""Layers that are read from other calendars: which are due, and what a reading changes."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec.structs import replace

from tocsin.kernel.errors import Invalid
from tocsin.kernel.ids import ScheduleId
from tocsin.kernel.unit import Unit
from tocsin.oncall import store
from tocsin.oncall.actions.moving import noting
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.schedule import subscribed
from tocsin.oncall.core.schedule.importing import imported
from tocsin.oncall.core.schedule.moves import WITHIN
from tocsin.oncall.core.schedule.versions import Edit, followed_since
from tocsin.oncall.model import CalendarLayer, CalendarShifts, Layer, Version
from tocsin.oncall.ports import FetchedCalendar


async def due_calendar(unit: Unit) -> CalendarLayer | None:
    """Return the calendar to read now; no other node reads it for five minutes.

    One that is new or has changed comes first, then the one that is due the longest.
    """
    unit.require("page:watch")
    wanted = list(_wanted(unit.config(Directory), unit.now))
    if not wanted:
        return None
    rows = await store.calendar_layers(unit.conn, {one.schedule_id for one in wanted})
    known = {(one.schedule_id, one.layer): one for one in rows}
    due = [subscribed.as_wanted(one, known.get((one.schedule_id, one.layer))) for one in wanted]
    due.sort(key=lambda one: (one.expanded_at is not None or bool(one.error), one.due_at))
    for one in due:
        claimed = replace(one, due_at=unit.now + subscribed.CLAIM)
        if one.due_at <= unit.now and await store.take_calendar(unit.conn, claimed, unit.now):
            return claimed
    return None


async def calendar_read(
    unit: Unit, layer: CalendarLayer, fetched: FetchedCalendar, found: CalendarShifts
) -> None:
    """Let a layer's shifts be what its calendar says from now on; whose shift moved is told.

    Raises Invalid where nothing of what stands there, or less than all of it, would be left.
    """
    unit.require("page:watch")
    directory = unit.config(Directory)
    schedule = directory.schedules.get(layer.schedule_id)
    if not await store.hold_calendar(unit.conn, layer) or schedule is None:
        return  # it has become another one meanwhile, or another node reads it
    follows = next((one for one in schedule.layers if _is_of(layer, one)), None)
    if follows is None:
        return
    since = followed_since(directory.versions.get(schedule.id, ()), follows)
    now = max(unit.now, since or unit.now).replace(microsecond=0)
    matched = imported(found.shifts, directory.people)
    present = await store.calendar_shift_at(unit.conn, layer, now)
    shifts = subscribed.as_shifts(matched.shifts, directory.people)
    shifts = subscribed.from_now(shifts, present, now)
    why = subscribed.why_not(layer, found, matched, is_empty=not shifts)
    if why and await store.has_shifts_after(unit.conn, layer, now):
        raise Invalid(f"url: {why}", field="url")
    # what a calendar says for the first time is no news
    keys = [schedule.id] if layer.read_at is not None else []
    async with noting(unit, keys, unit.now, unit.now + WITHIN, "calendar"):
        await store.replace_shifts(unit.conn, layer, shifts, now)
    done = replace(
        layer, expanded_at=unit.now, etag=fetched.etag, modified=fetched.modified,
        unknown=matched.unknown[:20], left_out=found.left_out[:20],
    )  # fmt: skip
    await store.save_calendar(unit.conn, subscribed.well(done, unit.now))


async def calendar_unchanged(unit: Unit, layer: CalendarLayer) -> None:
    """Note that a calendar says what it said."""
    unit.require("page:watch")
    await store.save_calendar(unit.conn, subscribed.well(layer, unit.now))


async def calendar_failed(unit: Unit, layer: CalendarLayer, why: str) -> None:
    """Note that a calendar could not be read: what it said last stays."""
    unit.require("page:watch")
    await store.save_calendar(unit.conn, subscribed.failed(layer, why, unit.now))


async def follow_calendars(unit: Unit, edit: Edit, versions: Sequence[Version]) -> bool:
    """Let calendars go with the layers of an edited schedule, from when on its versions say.

    One that no layer follows any more is forgotten, with all it says of later; one whose layer
    has another name becomes that one's. Says whether any was renamed.
    """
    unit.require("resource:apply")
    now = max(edit.at, unit.now)
    slots = {one.name: one.slot for one in edit.before.layers} if edit.before else {}
    is_renamed = False
    for name, new in subscribed.gone(edit.before, edit.after).items():
        if edit.before is None:
            continue
        ends = max(
            (one.since or now for one in versions if one.slot == slots[name]), default=now
        )
        if new is None:
            await store.end_calendar(unit.conn, edit.before.id, name, max(ends, now))
        else:
            await store.rename_calendar(unit.conn, edit.before.id, name, new, max(ends, now))
            is_renamed = True
    return is_renamed


def _wanted(directory: Directory, now: datetime) -> Iterator[CalendarLayer]:
    for key, schedule in directory.schedules.items():
        addresses = dict(schedule.calendars)
        for one in schedule.layers:
            if one.source:
                yield CalendarLayer(
                    schedule_id=ScheduleId(key), layer=one.name, url=addresses[one.name],
                    zone=one.zone, due_at=now,
                )  # fmt: skip


def _is_of(layer: CalendarLayer, one: Layer) -> bool:
    known_as = subscribed.source_of(layer.url)
    return (layer.layer, known_as, layer.zone) == (one.name, one.source, one.zone)
