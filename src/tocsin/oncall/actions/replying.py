"""What a person asks for in words, done as that person, and answered in words."""

from collections.abc import Sequence
from datetime import timedelta

from tocsin.kernel.errors import Refused
from tocsin.kernel.ids import IncidentId
from tocsin.kernel.unit import Unit
from tocsin.oncall import reads, store
from tocsin.oncall.actions.answering import acknowledge_incident, snooze
from tocsin.oncall.actions.pages import escalate
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.reply import HELP, Reply, Verb
from tocsin.oncall.model import Page, PageState
from tocsin.oncall.store import Called

CALLED_MAX = 20


async def reply(
    unit: Unit, reply: Reply, *, about: IncidentId | None = None, channel: str
) -> str:
    """Do what the asker says, with their own permissions, and say what came of it.

    `about` is the incident of the thread it was said in. Raises Refused where it is not allowed.
    """
    unit.require("self:write")
    if reply.verb is Verb.HELP:
        return HELP
    meant = await _meant(unit, reply, about)
    if isinstance(meant, str):
        return meant
    # all at once: pages are locked in one order everywhere
    await store.pages_of_for_update(unit.conn, *(one.incident_id for one in meant))
    said = [await _one(unit, reply, one, channel) for one in meant]
    return "\n".join(said)


async def _meant(unit: Unit, reply: Reply, about: IncidentId | None) -> Sequence[Called] | str:
    """Find the incidents that are meant, or say why none can be."""
    if reply.number is not None:
        found = await store.called_by_number(unit.conn, reply.number)
        known = [one for one in found if await _may_know(unit, one)]
        return known or f"There is no page for INC-{reply.number} that you may answer."
    if about is not None and not reply.is_all:
        return await store.called_for(unit.conn, about)
    person_id = unit.actor.person_id
    waiting = (
        await store.calling(unit.conn, person_id, CALLED_MAX) if person_id is not None else []
    )
    open_ = [one for one in waiting if one.is_open]
    if reply.is_all:
        return open_ or "No page waits for an answer from you."
    candidates = open_ or waiting
    if not candidates:
        return "No page waits for an answer from you."
    if len(candidates) > 1:
        names = ", ".join(f"INC-{one.number}" for one in candidates)
        return (
            f"Which one? {names} wait for you; write {reply.verb} INC-{candidates[0].number}."
        )
    return candidates


async def _may_know(unit: Unit, called: Called) -> bool:
    """Say whether the asker may be told of an incident: it is shown to them, or called them."""
    by = unit.actor.person_id
    # not locked: `reply` locks the pages of all that are meant at once, in their order
    if await reads.pages_of(unit, [called.incident_id]):
        return True
    return by is not None and await store.was_told_of(unit.conn, called.incident_id, by)


async def _one(unit: Unit, reply: Reply, called: Called, channel: str) -> str:
    name = f"INC-{called.number}"
    pages = await store.pages_of_for_update(unit.conn, called.incident_id)
    if all(page.state is PageState.RESOLVED for page in pages):
        return f"{name} is over: nobody is called any more."
    match reply.verb:
        case Verb.ACKNOWLEDGE:
            await acknowledge_incident(unit, called.incident_id, channel=channel)
            return _taken(unit, name, pages)
        case Verb.ESCALATE:
            await escalate(unit, called.incident_id)
            return f"{name} escalated: the next step is called now."
        case Verb.SNOOZE:
            return await _put_off(unit, reply, called, pages, channel)
        case Verb.HELP:
            return HELP


def _taken(unit: Unit, name: str, before: Sequence[Page]) -> str:
    """Say what an acknowledgement meant for pages that stood as `before`."""
    if any(page.is_open or page.is_waiting for page in before):
        return f"{name} acknowledged: nobody else is called."
    first = next((page for page in before if page.state is PageState.ACKNOWLEDGED), None)
    if first is None or first.acknowledged_by == unit.actor.person_id:
        return f"{name} is yours already."
    who = first.acknowledged_via or "somebody"
    if first.acknowledged_by is not None:
        who = unit.config(Directory).name_of(first.acknowledged_by)
    return f"{name} was acknowledged by {who} already; you are noted as co-responder."


async def _put_off(
    unit: Unit, reply: Reply, called: Called, pages: Sequence[Page], channel: str
) -> str:
    until = unit.now + timedelta(seconds=reply.for_s)
    refusal: Refused | None = None
    count = 0
    for page in pages:
        if page.state is PageState.RESOLVED:
            continue
        try:
            await snooze(unit, page.id, until=until, channel=channel)
        except Refused as refused:
            refusal = refused
        else:
            count += 1
    if refusal is not None and not count:
        raise refusal
    return f"INC-{called.number} snoozed until {until:%Y-%m-%d %H:%M} UTC; it calls again then."
