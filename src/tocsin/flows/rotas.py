"""Who hears of it when shifts move: by a low-key message, never by a page."""

from datetime import datetime
from zoneinfo import ZoneInfo

from tocsin.kernel.ids import PersonId
from tocsin.kernel.reactions import Reactions, may
from tocsin.kernel.unit import Unit
from tocsin.oncall import actions
from tocsin.oncall.core.config import Directory
from tocsin.oncall.events import (
    LeaveTaken,
    ShiftsMoved,
    SwapAccepted,
    SwapDeclined,
    SwapRequested,
    SwapWithdrawn,
)

_WHY = {
    "edit": "the schedule was edited",
    "override": "an override was agreed on",
    "back": "an override was taken back",
    "leave": "somebody is away",
    "people": "somebody has left, or come back",
    "calendar": "the calendar that a layer follows says so",
    "zones": "a new release of the time zones moves it",
}
ADDRESS = "/oncall"


async def tell_who_moved(unit: Unit, event: ShiftsMoved) -> None:
    """Whoever has a shift now or has lost one is told, unless they have changed it themselves."""
    directory = unit.config(Directory)
    title = f"Your shifts in {event.schedule} have moved"
    why = _WHY.get(event.why, event.why)
    for person_id, slot, start_at, end_at, gained in zip(
        event.people, event.slots, event.starts, event.ends, event.gained, strict=True
    ):
        # who is away and why is said to them by what tells of their leave
        is_known = person_id == unit.asker.person_id or (event.why == "leave" and not gained)
        if is_known or start_at is None:
            continue
        start, end = (_said(directory, person_id, at) for at in (start_at, end_at))
        body = (
            f"You are {'' if gained else 'not '}on call in {event.schedule} ({slot}) from {start}"
            f" to {end}: {why}."
        )
        await actions.give_notice(unit, person_id, title, body, link=ADDRESS)


async def tell_who_is_away(unit: Unit, event: LeaveTaken) -> None:
    """Whose leave somebody else has entered is told."""
    if event.person_id == unit.asker.person_id:
        return
    directory = unit.config(Directory)
    start = _said(directory, event.person_id, event.start_at)
    end = _said(directory, event.person_id, event.end_at)
    body = f"No schedule calls you from {start} to {end}."
    await actions.give_notice(
        unit, event.person_id, "You are entered as away", body, link=ADDRESS
    )


async def ask_the_partner(unit: Unit, event: SwapRequested) -> None:
    """Whoever is asked to take a shift is told, and may answer."""
    directory = unit.config(Directory)
    when = _said(directory, event.partner_id, event.start_at)
    asker = directory.name_of(event.asker_id)
    body = f"{asker} asks you to take the shift of {event.schedule} that begins {when}."
    await actions.give_notice(
        unit, event.partner_id, f"{asker} asks you to swap", body, link=ADDRESS
    )


async def answer_the_asker(unit: Unit, event: SwapAccepted | SwapDeclined) -> None:
    """Whoever asked for a swap hears the answer."""
    partner = unit.config(Directory).name_of(event.partner_id)
    does = "takes" if isinstance(event, SwapAccepted) else "does not take"
    title = f"{partner} {does} your shift of {event.schedule}"
    await actions.give_notice(unit, event.asker_id, title, f"{title}.", link=ADDRESS)


async def release_the_partner(unit: Unit, event: SwapWithdrawn) -> None:
    """Whoever was asked for a swap hears that nobody asks any more."""
    asker = unit.config(Directory).name_of(event.asker_id)
    title = f"{asker} does not ask you to swap any more"
    body = f"The shift of {event.schedule} stays theirs."
    await actions.give_notice(unit, event.partner_id, title, body, link=ADDRESS)


def _said(directory: Directory, person_id: PersonId, at: datetime) -> str:
    person = directory.people.get(person_id)
    zone = person.zone if person else "UTC"
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%A} {local.day} {local:%B %H:%M} ({zone})"


REACTIONS: Reactions = {
    ShiftsMoved: (may(tell_who_moved),),
    LeaveTaken: (may(tell_who_is_away),),
    SwapRequested: (may(ask_the_partner),),
    SwapAccepted: (may(answer_the_asker),),
    SwapDeclined: (may(answer_the_asker),),
    SwapWithdrawn: (may(release_the_partner),),
}
