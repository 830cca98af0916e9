"""Incidents over JSON: notes, links, relations, responders, and who may see it."""

from typing import Annotated
from uuid import UUID

from litestar import Response, delete, get, post, put
from litestar.openapi.spec import Example
from litestar.params import Body, FromPath, PathParameter

import tocsin.command.actions as command
from tocsin.command import reads as incidents
from tocsin.command.model import Incident, LinkId, NoteId
from tocsin.kernel.errors import Conflict, Invalid, NotFound
from tocsin.kernel.unit import Unit
from tocsin.oncall.core.config import Directory
from tocsin.web.api.incident_asking import (
    CHANGED,
    AnOther,
    Reference,
    change,
    on,
    person_ids,
)
from tocsin.web.api.incident_shapes import (
    IncidentName,
    LinkedShape,
    NewLinked,
    NewNote,
    NoteShape,
    ResponderShape,
    Restriction,
    incident_name,
    linked_shape,
    note_shape,
    responder_shape,
)
from tocsin.web.api.shapes import IncidentShape, problems
from tocsin.web.units import AnAsking, AnyRequest

NOTES_MAX = 1000
GONE = problems(NotFound, Invalid)
ANote = Annotated[
    NewNote, Body(examples=[Example(value={"text": "Rolled back to 4.1; errors are falling."})])
]
ALink = Annotated[
    NewLinked,
    Body(examples=[Example(value={"url": "https://wiki.example.org/x", "title": "Runbook"})]),
]
ARestriction = Annotated[
    Restriction, Body(examples=[Example(value={"people": ["maya"], "roles": ["manager"]})])
]
PersonName = Annotated[str, PathParameter(description="A person's name or id.", max_length=100)]


@get("/incidents/{reference:str}/notes", tags=["incidents"], responses=GONE)
async def list_notes(asking: AnAsking, reference: Reference) -> tuple[NoteShape, ...]:
    """List what people wrote, the oldest first."""

    async def read(unit: Unit, incident: Incident) -> tuple[NoteShape, ...]:
        merged = await incidents.merged_into(unit, incident.id)
        ids = [incident.id, *(one.id for one in merged)]
        found = await incidents.notes_of(unit, ids, limit=NOTES_MAX)
        directory = unit.config(Directory)
        return tuple(note_shape(one, directory) for one in found)

    return await on(asking, reference, read)


@post("/incidents/{reference:str}/notes", tags=["incidents"], responses=GONE)
async def add_note(asking: AnAsking, reference: Reference, data: ANote) -> NoteShape:
    """Write a note into the timeline. The log keeps its digest, so that the text can be erased."""

    async def act(unit: Unit, incident: Incident) -> NoteShape:
        note = await command.add_note(unit, incident.id, data.text)
        return note_shape(note, unit.config(Directory))

    return await on(asking, reference, act)


@delete("/incidents/{reference:str}/notes/{note_id:uuid}", tags=["incidents"], responses=GONE)
async def erase_note(asking: AnAsking, reference: Reference, note_id: FromPath[UUID]) -> None:
    """Erase a note's text for good: one's own, or with `person:erase` anybody's."""

    async def act(unit: Unit, incident: Incident) -> None:
        await command.erase_note(unit, incident.id, NoteId(note_id))

    await on(asking, reference, act)


@post(
    "/incidents/{reference:str}/links",
    tags=["incidents"],
    status_code=200,
    responses=problems(NotFound, Invalid, Conflict),
)
async def add_link(asking: AnAsking, reference: Reference, data: ALink) -> LinkedShape:
    """Add a document elsewhere; an address that is there already changes nothing."""

    async def act(unit: Unit, incident: Incident) -> LinkedShape:
        return linked_shape(await command.link(unit, incident.id, data.url, data.title))

    return await on(asking, reference, act)


@delete("/incidents/{reference:str}/links/{link_id:uuid}", tags=["incidents"], responses=GONE)
async def remove_link(asking: AnAsking, reference: Reference, link_id: FromPath[UUID]) -> None:
    """Remove a link; one that is not there changes nothing."""

    async def act(unit: Unit, incident: Incident) -> None:
        await command.unlink(unit, incident.id, LinkId(link_id))

    await on(asking, reference, act)


@post(
    "/incidents/{reference:str}/relations",
    tags=["incidents"],
    status_code=200,
    responses=GONE,
)
async def relate_incident(
    asking: AnAsking, reference: Reference, data: AnOther
) -> tuple[IncidentName, ...]:
    """Say that two incidents have something to do with each other; the answer names all."""

    async def act(unit: Unit, incident: Incident) -> tuple[IncidentName, ...]:
        other = await incidents.incident(unit, data.incident)
        await command.relate(unit, incident.id, other.id)
        return tuple(map(incident_name, await incidents.related_to(unit, incident.id)))

    return await on(asking, reference, act)


@delete("/incidents/{reference:str}/relations/{other:str}", tags=["incidents"], responses=GONE)
async def unrelate_incident(
    asking: AnAsking, reference: Reference, other: FromPath[str]
) -> None:
    """Say that two incidents have nothing to do with each other after all."""

    async def act(unit: Unit, incident: Incident) -> None:
        found = await incidents.incident(unit, other)
        await command.unrelate(unit, incident.id, found.id)

    await on(asking, reference, act)


@put("/incidents/{reference:str}/responders/{name:str}", tags=["incidents"], responses=GONE)
async def join_incident(
    asking: AnAsking, reference: Reference, name: PersonName
) -> tuple[ResponderShape, ...]:
    """Make a person a responder, oneself or another; the answer names all."""

    async def act(unit: Unit, incident: Incident) -> tuple[ResponderShape, ...]:
        directory = unit.config(Directory)
        (person_id,) = person_ids(directory, [name], field="name")
        await command.join(unit, incident.id, person_id)
        found = await incidents.responders_of(unit, incident.id)
        return tuple(responder_shape(one, directory) for one in found)

    return await on(asking, reference, act)


@delete("/incidents/{reference:str}/responders/{name:str}", tags=["incidents"], responses=GONE)
async def leave_incident(asking: AnAsking, reference: Reference, name: PersonName) -> None:
    """Let a responder go; who is none changes nothing."""

    async def act(unit: Unit, incident: Incident) -> None:
        (person_id,) = person_ids(unit.config(Directory), [name], field="name")
        await command.leave(unit, incident.id, person_id)

    await on(asking, reference, act)


@put("/incidents/{reference:str}/restriction", tags=["incidents"], responses=CHANGED)
async def restrict_incident(
    asking: AnAsking, request: AnyRequest, reference: Reference, data: ARestriction
) -> Response[IncidentShape]:
    """Show an incident to these people and roles alone, everywhere; whoever asks is added."""

    async def act(unit: Unit, incident: Incident, if_version: int | None) -> Incident:
        people = person_ids(unit.config(Directory), data.people, field="people")
        return await command.restrict(
            unit, incident.id, people, data.roles, if_version=if_version
        )

    return await change(asking, request, reference, act)


@delete(
    "/incidents/{reference:str}/restriction",
    tags=["incidents"],
    status_code=200,
    responses=CHANGED,
)
async def unrestrict_incident(
    asking: AnAsking, request: AnyRequest, reference: Reference
) -> Response[IncidentShape]:
    """Show an incident to everybody again."""

    async def act(unit: Unit, incident: Incident, if_version: int | None) -> Incident:
        return await command.unrestrict(unit, incident.id, if_version=if_version)

    return await change(asking, request, reference, act)


ROUTES = [
    list_notes,
    add_note,
    erase_note,
    add_link,
    remove_link,
    relate_incident,
    unrelate_incident,
    join_incident,
    leave_incident,
    restrict_incident,
    unrestrict_incident,
]
