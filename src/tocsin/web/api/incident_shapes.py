"""What the API says of incidents, and what can be sent to it about them, as structs."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from tocsin.command import model
from tocsin.command.model import Calling, Incident, IncidentStatus, Link, Note, Priority
from tocsin.command.reads import IncidentRow, Responder
from tocsin.kernel.access import Role
from tocsin.kernel.vocabulary import Severity, Urgency
from tocsin.oncall.core.config import Directory
from tocsin.web.api.page_shapes import PageDetail
from tocsin.web.api.shapes import (
    AlertShape,
    EntryShape,
    GroupShape,
    IncidentShape,
    PersonShape,
    person,
)

Title = Annotated[str, Meta(min_length=1, max_length=model.TITLE_MAX)]
Description = Annotated[str, Meta(max_length=model.DESCRIPTION_MAX)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Names = Annotated[tuple[Name, ...], Meta(max_length=model.AUDIENCE_MAX)]
GroupIds = Annotated[tuple[UUID, ...], Meta(max_length=model.GROUPS_MAX)]


class IncidentRowShape(Struct, frozen=True, kw_only=True):
    """An incident in a list. `calling`: how its pages stand together, the worst one first."""

    id: UUID
    reference: str
    number: int
    title: str
    status: IncidentStatus
    severity: Severity | None
    priority: Priority | None
    urgency: Urgency
    team: str | None
    services: tuple[str, ...]
    opened_at: datetime
    resolved_at: datetime | None
    merged_into: UUID | None
    version: int
    restricted: bool
    alert_count: int
    firing_count: int
    calling: Calling
    acknowledged_by: PersonShape | None
    acknowledged_via: str
    responders: tuple[PersonShape, ...]


def row_shape(row: IncidentRow, directory: Directory) -> IncidentRowShape:
    """Say what the API says of an incident in a list."""
    plain = {
        name: getattr(row, name)
        for name in IncidentRowShape.__struct_fields__
        if name not in ("acknowledged_by", "responders")
    }
    by = row.acknowledged_by
    return IncidentRowShape(
        **plain,
        acknowledged_by=person(directory, by) if by else None,
        responders=tuple(person(directory, one) for one in row.responders),
    )


class IncidentList(Struct, frozen=True, kw_only=True):
    """Newest first; `next` is the cursor of what follows, null at the end."""

    items: tuple[IncidentRowShape, ...]
    next: str | None


class ResponderShape(Struct, frozen=True, kw_only=True):
    """Somebody who works on an incident."""

    person: PersonShape
    joined_at: datetime


def responder_shape(responder: Responder, directory: Directory) -> ResponderShape:
    """Say what the API says of a responder."""
    return ResponderShape(
        person=person(directory, responder.person_id), joined_at=responder.joined_at
    )


class IncidentName(Struct, frozen=True, kw_only=True):
    """Another incident, by what people call it."""

    id: UUID
    reference: str
    title: str
    status: IncidentStatus


def incident_name(incident: Incident) -> IncidentName:
    """Say what the API says of an incident that is only mentioned."""
    return IncidentName(
        id=incident.id, reference=incident.reference, title=incident.title,
        status=incident.status,
    )  # fmt: skip


class NoteShape(Struct, frozen=True, kw_only=True):
    """A note; `person` is null when a token without one wrote it."""

    id: UUID
    at: datetime
    person: PersonShape | None
    text: str


def note_shape(note: Note, directory: Directory) -> NoteShape:
    """Say what the API says of a note."""
    by = person(directory, note.person_id) if note.person_id else None
    return NoteShape(id=note.id, at=note.at, person=by, text=note.text)


class LinkedShape(Struct, frozen=True, kw_only=True):
    """A document elsewhere."""

    id: UUID
    url: str
    title: str
    added_at: datetime


def linked_shape(link: Link) -> LinkedShape:
    """Say what the API says of a link."""
    return LinkedShape(id=link.id, url=link.url, title=link.title, added_at=link.added_at)


class Restriction(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who alone sees an incident: people by name or id, and roles. Whoever asks is added."""

    people: Names = ()
    roles: Annotated[tuple[Role, ...], Meta(max_length=len(Role))] = ()


class RestrictionShape(Struct, frozen=True, kw_only=True):
    """Who alone sees an incident."""

    people: tuple[PersonShape, ...]
    roles: tuple[Role, ...]


class IncidentDetail(IncidentShape, frozen=True, kw_only=True):
    """An incident with what it is made of. `restriction` null: everybody sees it."""

    pages: tuple[PageDetail, ...]
    groups: tuple[GroupShape, ...]
    alert_count: int
    firing_count: int
    responders: tuple[ResponderShape, ...]
    links: tuple[LinkedShape, ...]
    related: tuple[IncidentName, ...]
    merged: tuple[IncidentName, ...]
    restriction: RestrictionShape | None


class NewIncident(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is declared by hand. `policy` null: nobody is paged; "": the default policy.

    `groups` are groups of alerts it is about. `restriction` hides it from the start.
    """

    title: Title
    description: Description = ""
    severity: Severity | None = None
    priority: Priority | None = None
    urgency: Urgency = Urgency.HIGH
    policy: Annotated[str, Meta(max_length=200)] | None = None
    services: Annotated[tuple[Name, ...], Meta(max_length=model.SERVICES_MAX)] = ()
    team: Name | None = None
    groups: GroupIds = ()
    restriction: Restriction | None = None


class Edit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Other words; null leaves them as they are."""

    title: Title | None = None
    description: Description | None = None


class ToStatus(Struct, frozen=True, forbid_unknown_fields=True):
    """How far the response has come. Resolving and reopening are requests of their own."""

    status: IncidentStatus


class ToSeverity(Struct, frozen=True, forbid_unknown_fields=True):
    """How bad it is, 1 is worst; null takes the word back."""

    severity: Severity | None


class ToPriority(Struct, frozen=True, forbid_unknown_fields=True):
    """When it is worked on, P1 first; null takes the word back."""

    priority: Priority | None


class NewNote(Struct, frozen=True, forbid_unknown_fields=True):
    """What to write into the timeline."""

    text: Annotated[str, Meta(min_length=1, max_length=model.NOTE_MAX)]


class NewLinked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A document elsewhere; without a title it is called by its host."""

    url: Annotated[str, Meta(min_length=1, max_length=model.URL_MAX)]
    title: Annotated[str, Meta(max_length=model.LINK_TITLE_MAX)] = ""


class Other(Struct, frozen=True, forbid_unknown_fields=True):
    """Another incident: INC-12, 12 or its id."""

    incident: Name


class ToSplit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which groups of alerts become an incident of their own, and what it is called."""

    groups: Annotated[tuple[UUID, ...], Meta(min_length=1, max_length=model.GROUPS_MAX)]
    title: Title


class ExportedAlert(AlertShape, frozen=True, kw_only=True):
    """An alert, with why it was treated as it was."""

    reasons: tuple[str, ...]


class Export(Struct, frozen=True, kw_only=True):
    """All that is known of an incident. The timeline is in order, the oldest record first."""

    exported_at: datetime
    incident: IncidentDetail
    notes: tuple[NoteShape, ...]
    alerts: tuple[ExportedAlert, ...]
    timeline: tuple[EntryShape, ...]
    complete: bool


class Found(Struct, frozen=True, kw_only=True):
    """What a search finds: incidents newest first, alerts firing first."""

    incidents: tuple[IncidentRowShape, ...]
    alerts: tuple[AlertShape, ...]
