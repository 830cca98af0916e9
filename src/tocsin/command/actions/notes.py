"""What people add to an incident: notes, links, relations. Their words never enter the log."""

import hashlib
import secrets

from tocsin.command import events
from tocsin.command.actions.loading import load, load_all
from tocsin.command.core import wording
from tocsin.command.model import LINKS_MAX, Link, LinkId, Note, NoteId
from tocsin.command.store import parts
from tocsin.kernel.errors import Conflict, Invalid, NotFound
from tocsin.kernel.ids import IncidentId, uuid7
from tocsin.kernel.unit import Unit

SALT_BYTES = 32  # without it, what a short note said could be guessed from its digest


async def add_note(unit: Unit, incident_id: IncidentId, text: str) -> Note:
    """Write a note into the timeline; the log keeps its digest. Raises NotFound or Invalid."""
    unit.require("incident:respond")
    incident = await load(incident_id, unit, "incident:respond")
    note = Note(
        id=NoteId(uuid7()),
        incident_id=incident.id,
        at=unit.now,
        actor=f"{unit.actor.kind}:{unit.actor.id}",
        person_id=unit.actor.person_id,
        text=wording.note(text),
    )
    salt = secrets.token_bytes(SALT_BYTES)
    await parts.add_note(unit.conn, note, salt)
    unit.record(
        events.NoteAdded(
            incident_id=incident.id, number=incident.number, person_id=note.person_id,
            note_id=note.id, digest=hashlib.sha256(salt + note.text.encode()).hexdigest(),
        )
    )  # fmt: skip
    return note


async def erase_note(unit: Unit, incident_id: IncidentId, note_id: NoteId) -> None:
    """Erase a note's text for good: one's own, or with person:erase anybody's.

    Raises NotFound, also when it is erased already, or Forbidden.
    """
    unit.require("incident:respond")
    incident = await load(incident_id, unit, "incident:respond")
    note = await parts.note_for_update(unit.conn, incident.id, note_id)
    if note is None:
        raise NotFound(f"{incident.reference} has no note {note_id}; it may have been erased")
    if note.actor != f"{unit.actor.kind}:{unit.actor.id}":
        unit.require_on("person:erase", incident.team)
    await parts.remove_note(unit.conn, note.id)
    unit.record(
        events.NoteErased(
            incident_id=incident.id, number=incident.number, person_id=unit.actor.person_id,
            note_id=note.id,
        )
    )  # fmt: skip


async def link(unit: Unit, incident_id: IncidentId, url: str, title: str = "") -> Link:
    """Add a document elsewhere; an address that is there already changes nothing.

    Raises NotFound, Invalid, or Conflict when there are too many.
    """
    unit.require("incident:respond")
    address, name = wording.link(url, title)
    incident = await load(incident_id, unit, "incident:respond")
    known = await parts.links_of(unit.conn, incident.id)
    for one in known:
        if one.url == address:
            return one
    if len(known) >= LINKS_MAX:
        raise Conflict(f"{incident.reference} has {LINKS_MAX} links; remove one first")
    added = Link(
        id=LinkId(uuid7()), incident_id=incident.id, url=address, title=name,
        added_at=unit.now, person_id=unit.actor.person_id,
    )  # fmt: skip
    await parts.add_link(unit.conn, added)
    unit.record(
        events.LinkAdded(
            incident_id=incident.id, number=incident.number, person_id=added.person_id,
            link_id=added.id,
        )
    )  # fmt: skip
    return added


async def unlink(unit: Unit, incident_id: IncidentId, link_id: LinkId) -> None:
    """Remove a link; one that is not there changes nothing."""
    unit.require("incident:respond")
    incident = await load(incident_id, unit, "incident:respond")
    if await parts.remove_link(unit.conn, incident.id, link_id):
        unit.record(
            events.LinkRemoved(
                incident_id=incident.id, number=incident.number, person_id=unit.actor.person_id,
                link_id=link_id,
            )
        )  # fmt: skip


async def relate(unit: Unit, incident_id: IncidentId, other_id: IncidentId) -> None:
    """Say that two incidents have something to do with each other; twice changes nothing."""
    unit.require("incident:respond")
    one, other = await load_all([incident_id, other_id], unit, "incident:respond")
    if one.id == other.id:
        raise Invalid(f"{one.reference} is related to itself already; name another one")
    if await parts.add_relation(unit.conn, one.id, other.id, unit.now):
        unit.record(
            events.IncidentsRelated(
                incident_id=one.id, number=one.number, person_id=unit.actor.person_id,
                other_id=other.id, other_number=other.number,
            )
        )  # fmt: skip


async def unrelate(unit: Unit, incident_id: IncidentId, other_id: IncidentId) -> None:
    """Say that two incidents have nothing to do with each other; twice changes nothing."""
    unit.require("incident:respond")
    one, other = await load_all([incident_id, other_id], unit, "incident:respond")
    if await parts.remove_relation(unit.conn, one.id, other.id):
        unit.record(
            events.IncidentsUnrelated(
                incident_id=one.id, number=one.number, person_id=unit.actor.person_id,
                other_id=other.id, other_number=other.number,
            )
        )  # fmt: skip
