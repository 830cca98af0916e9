"""What people have agreed beside a schedule, as lines: overrides, leave, swaps."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from tocsin.kernel.unit import Unit
from tocsin.oncall import reads
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import (
    Override,
    OverrideKind,
    Schedule,
    Shift,
    ShiftKey,
    Swap,
    SwapState,
)
from tocsin.web.pages.schedule_bars import Piece

LINES = 50
TURNS_AHEAD = timedelta(days=120)
Turns = Mapping[ShiftKey, Shift]


class PlannedLine(Struct, frozen=True, kw_only=True):
    """Something that was agreed and is not over."""

    id: UUID
    who: str
    words: str
    start_at: datetime
    end_at: datetime
    reason: str
    is_now: bool
    may_end: bool


class SwapLine(Struct, frozen=True, kw_only=True):
    """A swap: who gives which shift to whom, and what they take in return (`back_words`)."""

    id: UUID
    schedule: str
    words: str
    when: tuple[datetime, datetime] | None
    back_words: str
    back: tuple[datetime, datetime] | None
    reason: str
    is_open: bool
    is_to_me: bool
    may_answer: bool
    may_withdraw: bool


async def planned(unit: Unit, found: Schedule | None, zone: str) -> list[PlannedLine]:
    """Return what was agreed for a schedule, or of every one's leave, soonest first."""
    directory = unit.config(Directory)
    listed = await reads.overrides_of(unit, found)
    lines = [
        _planned(unit, one, directory, ZoneInfo(zone))
        for one in listed
        if found is None or one.kind is not OverrideKind.LEAVE or one.person_id in found.people
    ]
    return sorted(lines, key=lambda one: one.start_at)[:LINES]


async def planned_of(unit: Unit, person_id: UUID, zone: str) -> list[PlannedLine]:
    """Return what was agreed that concerns one person, soonest first."""
    directory = unit.config(Directory)
    lines = [
        _planned(unit, one, directory, ZoneInfo(zone), named=True)
        for one in await reads.overrides_of(unit)
        if person_id in _people_of(one)
    ]
    return sorted(lines, key=lambda one: one.start_at)[:LINES]


def _people_of(one: Override) -> set[UUID | None]:
    shifts = {who for shift in one.shifts for who in shift.people}
    return {one.person_id, one.replaced_id, *shifts}


def _planned(
    unit: Unit, one: Override, directory: Directory, place: ZoneInfo, *, named: bool = False
) -> PlannedLine:
    schedule = directory.schedules.get(one.schedule_id) if one.schedule_id else None
    me = unit.actor.person_id
    is_own = me is not None and (
        one.person_id == me or one.author == f"{unit.actor.kind}:{unit.actor.id}"
    )
    team = schedule.team if schedule else None
    may_end = unit.actor.may_on("schedule:override", team)
    people = [one.person_id] if one.person_id else []
    people += [who for shift in one.shifts for who in shift.people]
    name = f" ({schedule.name})" if named and schedule else ""
    return PlannedLine(
        id=one.id, who=directory.names_of(dict.fromkeys(people)),
        words=override_words(one, directory) + name,
        start_at=one.start_at.astimezone(place), end_at=one.end_at.astimezone(place),
        reason=one.reason, is_now=one.start_at <= unit.now,
        may_end=may_end or (is_own and not unit.actor.is_narrow),
    )  # fmt: skip


async def swap_lines(
    unit: Unit, zone: str, found: Schedule | None = None, person_id: UUID | None = None
) -> list[SwapLine]:
    """Return the swaps that wait for an answer, and those accepted whose shifts are to come."""
    swaps = await reads.swaps_of(unit, found, person_id)
    turns = await turns_ahead(unit, swaps)
    lines = [_swap(unit, one, turns, ZoneInfo(zone)) for one in swaps]
    return [one for one in lines if one.is_open or one.when][:LINES]


async def turns_ahead(unit: Unit, swaps: Sequence[Swap]) -> Turns:
    """Find when the turns of swaps are, as far as they are to come."""
    schedules = unit.config(Directory).schedules
    ids = {one.schedule_id for one in swaps}
    ids |= {one.back_schedule_id for one in swaps if one.back_schedule_id}
    found: dict[ShiftKey, Shift] = {}
    for schedule in (schedules[one] for one in ids if one in schedules):
        end = unit.now + TURNS_AHEAD
        for layer in await reads.layers_of(unit, schedule, unit.now, end):
            for shift in layer.shifts:
                key = ShiftKey(schedule_id=schedule.id, layer=shift.layer, turn=shift.k)
                found.setdefault(key, shift)
    return found


def _swap(unit: Unit, one: Swap, turns: Turns, place: ZoneInfo) -> SwapLine:
    directory = unit.config(Directory)
    schedule = directory.schedules.get(one.schedule_id)
    may_all = unit.actor.may_on("schedule:override", schedule.team if schedule else None)
    me = None if unit.actor.is_narrow else unit.actor.person_id
    is_open = one.state is SwapState.REQUESTED
    asker, partner = directory.name_of(one.asker_id), directory.name_of(one.partner_id)
    return SwapLine(
        id=one.id, schedule=schedule.name if schedule else "a former schedule",
        words=f"{asker} asks {partner} to take" if is_open else f"{partner} takes from {asker}",
        when=_when(turns.get(one.given), place),
        back_words=f"{asker} takes in return" if one.back else "",
        back=_when(turns.get(one.back), place) if one.back else None,
        reason=one.reason, is_open=is_open, is_to_me=is_open and me == one.partner_id,
        may_answer=is_open and (me == one.partner_id or may_all),
        may_withdraw=is_open and (me == one.asker_id or may_all),
    )  # fmt: skip


def _when(shift: Shift | None, place: ZoneInfo) -> tuple[datetime, datetime] | None:
    if shift is None:
        return None
    return shift.start_at.astimezone(place), shift.end_at.astimezone(place)


def override_pieces(found: Iterable[Override], directory: Directory) -> list[Piece]:
    """Show what was agreed beside the layers, each for as long as it holds."""
    return sorted(
        (piece for one in found for piece in _agreed(one, directory)),
        key=lambda one: one.start_at,
    )


def _agreed(one: Override, directory: Directory) -> Iterable[Piece]:
    notes = [override_words(one, directory)]
    notes += [f"“{one.reason}”"] if one.reason else []
    for shift in one.shifts:
        yield Piece(
            people=shift.people,
            start_at=shift.start_at,
            end_at=shift.end_at,
            notes=tuple(notes),
        )
    if not one.shifts and one.person_id is not None:
        yield Piece(
            people=(one.person_id,), start_at=one.start_at, end_at=one.end_at,
            notes=tuple(notes), is_away=one.kind in (OverrideKind.REMOVE, OverrideKind.LEAVE),
        )  # fmt: skip


def override_words(one: Override, directory: Directory) -> str:
    """Say what an override does."""
    slot = f", {one.slot}" if one.slot else ""
    if one.kind is OverrideKind.REPLACE and one.replaced_id is not None:
        return f"instead of {directory.name_of(one.replaced_id)}{slot}"
    return {
        OverrideKind.COVER: f"covers{slot}",
        OverrideKind.REMOVE: f"steps aside{slot}",
        OverrideKind.TEMPORARY: f"temporary schedule{slot}",
        OverrideKind.LEAVE: "on leave",
    }.get(one.kind, str(one.kind))
