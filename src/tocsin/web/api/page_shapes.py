"""What the API says of pages and of who is on call, as structs."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from tocsin.oncall.model import NotificationState, PageState
from tocsin.web.api.shapes import EntryShape, IncidentShape, PersonShape


class AttemptShape(Struct, frozen=True, kw_only=True):
    """One try to deliver; outcome null: not known. `show`: full, title or reference left."""

    number: int
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    provider_id: str
    error: str
    show: str


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
    seen_at: datetime | None
    attempts: tuple[AttemptShape, ...]


class PageShape(Struct, frozen=True, kw_only=True):
    """One escalation run of one policy for one incident; steps and loops count from 0.

    `requested`: asked for by hand, of a policy or of `asked_person`.
    """

    id: UUID
    incident_id: UUID
    policy: str
    requested: bool
    asked_person: PersonShape | None
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
    acknowledged_via: str
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


class Acknowledged(Struct, frozen=True, kw_only=True):
    """The incident's pages after the acknowledgement; none if nobody was paged for it."""

    incident: IncidentShape
    pages: tuple[PageShape, ...]


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
