"""Swaps of shifts: asked for, accepted or declined; bound to turns, not to instants."""

from typing import TypeVar
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.errors import Conflict, Invalid, NotFound
from tocsin.kernel.ids import PersonId, uuid7
from tocsin.kernel.unit import Unit
from tocsin.oncall import events, store
from tocsin.oncall.actions.overriding import REASON_MAX, author, schedule_named
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.schedule import final
from tocsin.oncall.core.schedule.renumbering import AHEAD
from tocsin.oncall.model import (
    Override,
    OverrideKind,
    Schedule,
    Shift,
    ShiftKey,
    Swap,
    SwapState,
)


class NewSwap(Struct, frozen=True, kw_only=True):
    """A turn that the asker wants to give to `partner`, and the one they would take in return."""

    schedule: str
    layer: str
    turn: int
    partner: str
    back_schedule: str | None = None
    back_layer: str = ""
    back_turn: int = 0
    reason: str = ""


async def request_swap(unit: Unit, new: NewSwap) -> Swap:
    """Ask somebody to take one of one's own shifts. Raises Invalid, NotFound, Conflict.

    A shift can be in one swap at a time.
    """
    unit.require("self:write")
    directory = unit.config(Directory)
    schedule = schedule_named(directory, new.schedule)
    asker = directory.people.get(unit.actor.person_id) if unit.actor.person_id else None
    if asker is None:
        raise Invalid("only people have shifts; sign in as one of them", field="asker")
    partner = directory.person_named(new.partner)
    if not partner.active or partner == asker:
        raise Invalid(f"{new.partner!r} cannot take a shift of yours", field="partner")
    if len(new.reason) > REASON_MAX:
        raise Invalid(f"a reason has at most {REASON_MAX} characters", field="reason")
    back_in = schedule_named(directory, new.back_schedule) if new.back_schedule else None
    swap = Swap(
        id=uuid7(), schedule_id=schedule.id, layer=new.layer, turn=new.turn,
        asker_id=asker.id, partner_id=partner.id,
        back_schedule_id=back_in.id if back_in else None,
        back_layer=new.back_layer, back_turn=new.back_turn, reason=new.reason.strip(),
        created_at=unit.now, author=author(unit.actor),
    )  # fmt: skip
    shift = await _check_turns(unit, directory, swap)
    await store.add_swap(unit.conn, swap)
    unit.record(
        events.SwapRequested(
            swap_id=swap.id, schedule_id=schedule.id, schedule=schedule.name,
            asker_id=asker.id, partner_id=partner.id, start_at=shift.start_at,
        )
    )  # fmt: skip
    return swap


async def accept_swap(unit: Unit, swap_id: UUID) -> Swap:
    """Take the shift that somebody wants to give; theirs to answer. Raises Conflict."""
    unit.require("self:write")
    directory = unit.config(Directory)
    swap = await _asked(unit, swap_id)
    schedule = _of(directory, swap)
    _refuse_others(unit, swap.partner_id, schedule)
    if swap.back_schedule_id is not None:
        back_in = directory.schedules.get(swap.back_schedule_id)
        _refuse_others(unit, swap.partner_id, back_in)
    await _check_turns(unit, directory, swap)
    taken = await _decided(unit, swap, SwapState.ACCEPTED)
    unit.record(_told(events.SwapAccepted, taken, schedule))
    return taken


async def decline_swap(unit: Unit, swap_id: UUID) -> Swap:
    """Leave the shift with whoever has it."""
    unit.require("self:write")
    swap = await _asked(unit, swap_id)
    schedule = _of(unit.config(Directory), swap)
    _refuse_others(unit, swap.partner_id, schedule)
    declined = await _decided(unit, swap, SwapState.DECLINED)
    unit.record(_told(events.SwapDeclined, declined, schedule))
    return declined


async def withdraw_swap(unit: Unit, swap_id: UUID) -> Swap:
    """Take a request back that nobody has answered; also that of somebody who has left."""
    unit.require("self:write")
    swap = await _asked(unit, swap_id)
    schedule = _of(unit.config(Directory), swap)
    _refuse_others(unit, swap.asker_id, schedule)
    withdrawn = await _decided(unit, swap, SwapState.WITHDRAWN)
    unit.record(_told(events.SwapWithdrawn, withdrawn, schedule))
    return withdrawn


async def _asked(unit: Unit, swap_id: UUID) -> Swap:
    swap = await store.swap_for_update(unit.conn, swap_id)
    if swap.state is not SwapState.REQUESTED:
        raise Conflict(f"this swap was {swap.state} already")
    return swap


async def _decided(unit: Unit, swap: Swap, state: SwapState) -> Swap:
    decided = replace(swap, state=state, decided_at=unit.now, decided_by=author(unit.actor))
    await store.save_swap(unit.conn, decided)
    return decided


def _of(directory: Directory, swap: Swap) -> Schedule | None:
    return directory.schedules.get(swap.schedule_id)


def _refuse_others(unit: Unit, person_id: PersonId, schedule: Schedule | None) -> None:
    if unit.actor.person_id != person_id or unit.actor.is_narrow:
        unit.require_on("schedule:override", schedule.team if schedule else None)


Answer = TypeVar("Answer", events.SwapAccepted, events.SwapDeclined, events.SwapWithdrawn)


def _told(kind: type[Answer], swap: Swap, schedule: Schedule | None) -> Answer:
    return kind(
        swap_id=swap.id, schedule_id=swap.schedule_id,
        schedule=schedule.name if schedule else "a former schedule",
        asker_id=swap.asker_id, partner_id=swap.partner_id,
    )  # fmt: skip


async def _check_turns(unit: Unit, directory: Directory, swap: Swap) -> Shift:
    """See to it that both have what they would give, and nobody else asks for it."""
    for schedule_id in sorted({swap.schedule_id, swap.back_schedule_id or swap.schedule_id}):
        await store.lock_turns(unit.conn, schedule_id)
    turns = {one for one in (swap.given, swap.back) if one is not None}
    for other in await store.swaps(
        unit.conn, schedule_ids=[one.schedule_id for one in turns], states=("requested",)
    ):
        if other.id != swap.id and {other.given, other.back} & turns:
            raise Conflict("somebody asks for this shift already; let that be answered first")
    shift = await _shift(unit, directory, swap.given, swap.asker_id)
    if swap.back is not None:
        await _shift(unit, directory, swap.back, swap.partner_id)
    return shift


async def _shift(unit: Unit, directory: Directory, key: ShiftKey, person_id: PersonId) -> Shift:
    """Return the first piece of a turn that is not over. Raises NotFound, Conflict."""
    schedule = directory.schedules.get(key.schedule_id)
    if schedule is None:
        raise NotFound("there is no such schedule any more")
    end = unit.now + AHEAD
    agreed = await store.overrides(unit.conn, unit.now, end, [schedule.id])
    swapped: tuple[Override, ...] = tuple(
        one for one in agreed if one.kind in (OverrideKind.SWAP, OverrideKind.CALENDAR)
    )
    known = replace(directory, overrides=swapped)
    plan = final(known.timeline(schedule, unit.now), unit.now, end)
    for shift in plan.shifts:
        if (shift.layer, shift.k) == (key.layer, key.turn):
            if person_id not in shift.people:
                raise Conflict(
                    f"turn {key.turn} of {schedule.name}/{key.layer} is not"
                    f" {directory.name_of(person_id)}'s (any more)"
                )
            return shift
    raise NotFound(
        f"there is no turn {key.turn} of {schedule.name}/{key.layer} that is not over;"
        " `tocsin oncall show` names them. For any other stretch agree on an override"
        f" (`tocsin oncall override add {schedule.name} PERSON`)"
    )
