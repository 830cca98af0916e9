"""What the API says, as structs: the wire format is promised, the nouns behind it may change."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from msgspec import Struct

from tocsin.command.model import Incident, IncidentStatus, OpenedBy, Priority, ResolvedBy
from tocsin.kernel import errors
from tocsin.kernel.timeline import Entry
from tocsin.kernel.vocabulary import Severity, Urgency
from tocsin.oncall.core.config import Directory
from tocsin.triage.model import Alert, AlertState, Group, GroupState


class Problem(Struct, frozen=True, kw_only=True):
    """RFC 9457. `code` keeps its meaning; `field` names what is not acceptable."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    field: str | None = None


def problems(*kinds: type[errors.Refused]) -> dict[int, ResponseSpec]:
    """Document which refusals an operation may answer with, beside those of every one."""
    always: tuple[type[errors.Refused], ...] = (
        errors.Refused,
        errors.Unauthenticated,
        errors.Forbidden,
        errors.Unavailable,
    )
    return {
        kind.status: ResponseSpec(
            Problem,
            description=kind.title,
            media_type="application/problem+json",
            generate_examples=False,
            examples=[Example(value=_example(kind))],
        )
        for kind in (*always, *kinds)
    }


def _example(kind: type[errors.Refused]) -> dict[str, Any]:
    return {
        "type": f"/errors#{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": "What was asked for, why not, and what would help.",
        "code": kind.code,
    }


class PersonShape(Struct, frozen=True, kw_only=True):
    """A person, by the name people use."""

    id: UUID
    name: str


def person(directory: Directory, person_id: UUID) -> PersonShape:
    """Name a person; one who is gone has no name of their own."""
    return PersonShape(id=person_id, name=directory.name_of(person_id))


class IncidentShape(Struct, frozen=True, kw_only=True):
    """An incident. `merged_into`: the one it is part of; `version` counts its changes."""

    id: UUID
    reference: str
    number: int
    title: str
    description: str
    status: IncidentStatus
    severity: Severity | None
    urgency: Urgency
    policy: str
    labels: dict[str, str]
    opened_at: datetime
    resolved_at: datetime | None
    resolved_by: ResolvedBy
    priority: Priority | None
    opened_by: OpenedBy
    team: str | None
    services: tuple[str, ...]
    restricted: bool
    merged_into: UUID | None
    version: int


def incident_shape(incident: Incident) -> IncidentShape:
    """Say what the API says of an incident."""
    return IncidentShape(
        id=incident.id, reference=incident.reference, number=incident.number,
        title=incident.title, description=incident.description, status=incident.status,
        severity=incident.severity, urgency=incident.urgency, policy=incident.policy,
        labels=dict(incident.labels), opened_at=incident.opened_at,
        resolved_at=incident.resolved_at, resolved_by=incident.resolved_by,
        priority=incident.priority, opened_by=incident.opened_by, team=incident.team,
        services=incident.services, restricted=incident.visible_to is not None,
        merged_into=incident.merged_into, version=incident.version,
    )  # fmt: skip


class GroupShape(Struct, frozen=True, kw_only=True):
    """Alerts that are told together."""

    id: UUID
    state: GroupState
    title: str
    summary: str
    labels: dict[str, str]
    integration: str
    route: str
    urgency: Urgency
    firing_count: int
    alert_count: int
    opened_at: datetime
    cleared_at: datetime | None
    storm: bool


def group_shape(group: Group) -> GroupShape:
    """Say what the API says of a group."""
    return GroupShape(
        id=group.id, state=group.state, title=group.title, summary=group.summary,
        labels=dict(group.labels), integration=group.integration, route=group.route,
        urgency=group.urgency, firing_count=group.firing_count, alert_count=group.alert_count,
        opened_at=group.opened_at, cleared_at=group.cleared_at, storm=group.storm,
    )  # fmt: skip


class EntryShape(Struct, frozen=True, kw_only=True):
    """One line of the log; `seq` is null until it is sealed, `cause` the record it follows from.

    `text` is what a person wrote, a note or a link; the log itself does not hold it.
    """

    id: UUID
    seq: int | None
    at: datetime
    kind: str
    actor: str
    sentence: str
    cause: UUID | None
    text: str = ""


def entry_shape(entry: Entry) -> EntryShape:
    """Say what the API says of a log record."""
    return EntryShape(
        id=entry.id, seq=entry.seq, at=entry.at, kind=entry.kind, actor=entry.actor,
        sentence=entry.sentence, cause=entry.cause, text=entry.text,
    )  # fmt: skip


class Timeline(Struct, frozen=True, kw_only=True):
    """Newest first; `next` is the cursor of what is older."""

    items: tuple[EntryShape, ...]
    next: str | None


class AlertShape(Struct, frozen=True, kw_only=True):
    """Everything heard under one set of labels."""

    id: UUID
    state: AlertState
    name: str
    labels: dict[str, str]
    annotations: dict[str, str]
    urgency: Urgency
    integration: str
    source_url: str
    starts_at: datetime
    ends_at: datetime
    updated_at: datetime
    group_id: UUID | None
    seen_count: int
    fired_count: int


def alert_fields(alert: Alert) -> dict[str, Any]:
    """Return what the API says of an alert, by field."""
    fields = {
        name: getattr(alert, name) for name in AlertShape.__struct_fields__ if name != "name"
    }
    labels = {"labels": dict(alert.labels), "annotations": dict(alert.annotations)}
    return {**fields, **labels, "name": alert.labels.get("alertname", "")}


class AlertList(Struct, frozen=True, kw_only=True):
    """Newest first; `next` is the cursor of what follows, null at the end."""

    items: tuple[AlertShape, ...]
    next: str | None


class Reason(Struct, frozen=True, kw_only=True):
    """What one stage of triage decided."""

    stage: str
    decision: str


class AlertWhy(AlertShape, frozen=True, kw_only=True):
    """An alert with what triage decided, stage by stage, and what came of it."""

    reasons: tuple[Reason, ...]
    group: GroupShape | None
    incident: IncidentShape | None
