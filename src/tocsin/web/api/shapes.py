"""What the API says, as structs: the wire format is promised, the nouns behind it may change."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from msgspec import Meta, Struct

from tocsin.command.model import Incident, IncidentStatus, ResolvedBy
from tocsin.kernel import errors
from tocsin.kernel.access import Role
from tocsin.kernel.resources import Document
from tocsin.kernel.timeline import Entry
from tocsin.kernel.vocabulary import Severity, Urgency
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import NotificationState, PageState
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
    """An incident in a list."""

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


def incident_shape(incident: Incident) -> IncidentShape:
    """Say what the API says of an incident."""
    return IncidentShape(
        id=incident.id, reference=incident.reference, number=incident.number,
        title=incident.title, description=incident.description, status=incident.status,
        severity=incident.severity, urgency=incident.urgency, policy=incident.policy,
        labels=dict(incident.labels), opened_at=incident.opened_at,
        resolved_at=incident.resolved_at, resolved_by=incident.resolved_by,
    )  # fmt: skip


class AttemptShape(Struct, frozen=True, kw_only=True):
    """One try to deliver; outcome null: not known."""

    number: int
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    provider_id: str
    error: str


class NotificationShape(Struct, frozen=True, kw_only=True):
    """One message of a page to one person by one method."""

    id: UUID
    person: PersonShape
    method: str
    state: NotificationState
    epoch: int
    loop: int
    step: int
    catch: int
    queued_at: datetime
    attempts: tuple[AttemptShape, ...]


class PageShape(Struct, frozen=True, kw_only=True):
    """One escalation run of one policy for one incident; steps and loops count from 0."""

    id: UUID
    incident_id: UUID
    policy: str
    state: PageState
    epoch: int
    loop: int
    step: int
    catch: int
    retriggers: int
    unpageable: bool
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: PersonShape | None
    resolved_at: datetime | None


class WaitingShape(Struct, frozen=True, kw_only=True):
    """Something that will happen to a page by itself."""

    job: str
    due_at: datetime


class PageDetail(PageShape, frozen=True, kw_only=True):
    """`next_at`: when the page calls again unless somebody acts; null: never by itself."""

    next_at: datetime | None
    waiting: tuple[WaitingShape, ...]
    notifications: tuple[NotificationShape, ...]


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


class IncidentDetail(IncidentShape, frozen=True, kw_only=True):
    """An incident with what it is made of."""

    pages: tuple[PageDetail, ...]
    groups: tuple[GroupShape, ...]
    alert_count: int
    firing_count: int


class IncidentList(Struct, frozen=True, kw_only=True):
    """Newest first; `next` is the cursor of what follows, null at the end."""

    items: tuple[IncidentShape, ...]
    next: str | None


class Acknowledged(Struct, frozen=True, kw_only=True):
    """The incident's pages after the acknowledgement; none if nobody was paged for it."""

    incident: IncidentShape
    pages: tuple[PageShape, ...]


class EntryShape(Struct, frozen=True, kw_only=True):
    """One line of the log; `seq` is null until it is sealed, `cause` the record it follows from."""

    id: UUID
    seq: int | None
    at: datetime
    kind: str
    actor: str
    sentence: str
    cause: UUID | None


def entry_shape(entry: Entry) -> EntryShape:
    """Say what the API says of a log record."""
    return EntryShape(
        id=entry.id, seq=entry.seq, at=entry.at, kind=entry.kind, actor=entry.actor,
        sentence=entry.sentence, cause=entry.cause,
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


class ShiftShape(Struct, frozen=True, kw_only=True):
    """Somebody's turn, from `start_at` until just before `end_at`."""

    person: PersonShape
    start_at: datetime
    end_at: datetime


class ScheduleShape(Struct, frozen=True, kw_only=True):
    """Who is on call now, and who after that; null: nobody."""

    id: UUID
    name: str
    zone: str
    now: ShiftShape | None
    next: ShiftShape | None


class OnCall(Struct, frozen=True, kw_only=True):
    """Every schedule."""

    at: datetime
    schedules: tuple[ScheduleShape, ...]


class TargetShape(Struct, frozen=True, kw_only=True):
    """Whom a step calls: a person or a schedule, by name."""

    kind: str
    name: str


class StepShape(Struct, frozen=True, kw_only=True):
    """Call these, then wait."""

    targets: tuple[TargetShape, ...]
    timeout_s: int


class PolicyShape(Struct, frozen=True, kw_only=True):
    """A policy as it is now."""

    name: str
    steps: tuple[StepShape, ...]
    repeat: int
    catch_all: tuple[TargetShape, ...]
    catch_all_every_s: int
    ack_timeout_s: int


class PageWhy(PageDetail, frozen=True, kw_only=True):
    """A page with its policy, and what has happened to it, newest first."""

    incident: IncidentShape
    policy_now: PolicyShape
    log: tuple[EntryShape, ...]


class Apply(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Resources to create or change, all or none."""

    documents: list[Document]


class AppliedShape(Struct, frozen=True, kw_only=True):
    """The revision, and one `created|changed|unchanged Kind/name` a document."""

    revision: int
    changed: bool
    changes: tuple[str, ...]


class NewToken(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`rate`: alerts a second that intake takes from this token; null: unlimited."""

    name: str
    role: Role
    rate: Annotated[int, Meta(ge=1)] | None = None


class TokenShape(Struct, frozen=True, kw_only=True):
    """A new token; it is shown this once."""

    name: str
    role: Role
    rate: int | None
    token: str


class NewLink(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom the link signs in as."""

    role: Role = Role.ADMIN


class LinkShape(Struct, frozen=True, kw_only=True):
    """A URL that signs in once."""

    url: str


class Me(Struct, frozen=True, kw_only=True):
    """Who is asking, and what they may do."""

    kind: str
    id: UUID
    name: str
    role: Role
    permissions: tuple[str, ...]
