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
    ScheduleOverridden,
    ShiftsMoved,
    SwapAccepted,
    SwapDeclined,
    SwapRequested,
)

_WHY = {
    "edit": "the schedule was edited",
    "calendar": "the calendar that a layer follows says so",
    "zones": "a new release of the time zones moves it",
}
ADDRESS = "/oncall"


async def tell_who_moved(unit: Unit, event: ShiftsMoved) -> None:
    """Those whose next shift is another one than before are told which it is now."""
    directory = unit.config(Directory)
    for person_id, start_at in zip(event.people, event.starts, strict=True):
        when = _said(directory, person_id, start_at) if start_at else "none within 90 days"
        body = f"Your next shift in {event.schedule}: {when}; {_WHY.get(event.why, event.why)}."
        title = f"Your next shift in {event.schedule} has moved"
        await actions.give_notice(unit, person_id, title, body, link=ADDRESS)


async def tell_who_is_covered(unit: Unit, event: ScheduleOverridden) -> None:
    """Whoever gains or loses a shift by an override is told, unless they made it themselves."""
    directory = unit.config(Directory)
    for person_id in (event.person_id, event.replaced_id):
        if person_id is None or person_id == unit.asker.person_id:
            continue
        start = _said(directory, person_id, event.start_at)
        end = _said(directory, person_id, event.end_at)
        body = f"{event.sentence(directory.name_of)}. For you: {start} to {end}."
        title = f"An override of {event.schedule} concerns you"
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


def _said(directory: Directory, person_id: PersonId, at: datetime) -> str:
    person = directory.people.get(person_id)
    zone = person.zone if person else "UTC"
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%A} {local.day} {local:%B %H:%M} ({zone})"


REACTIONS: Reactions = {
    ShiftsMoved: (may(tell_who_moved),),
    ScheduleOverridden: (may(tell_who_is_covered),),
    LeaveTaken: (may(tell_who_is_away),),
    SwapRequested: (may(ask_the_partner),),
    SwapAccepted: (may(answer_the_asker),),
    SwapDeclined: (may(answer_the_asker),),
}
