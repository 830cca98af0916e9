"""What the API says of pages and of who is on call, as structs."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core.receipt import AttemptState
from tocsin.oncall.model import CallReason, NotificationState, PageState
from tocsin.web.api.shapes import EntryShape, IncidentShape, PersonShape


class AttemptShape(Struct, frozen=True, kw_only=True):
    """One try to deliver; outcome null: not known. `show`: full, title or reference left.

    An outcome `skipped` asked no provider, since it is left alone for a while: it is no try.

    `state`: queued, sent, delivered, seen, acked or failed. `receipt` is the provider's last word
    after it took the message, `latency_s` how long it was under way until it arrived, else until
    the provider took it.
    """

    number: int
    state: AttemptState
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    provider_id: str
    error: str
    show: str
    delivered_at: datetime | None
    seen_at: datetime | None
    acked_at: datetime | None
    failed_at: datetime | None
    receipt: str
    latency_s: float | None


class NotificationShape(Struct, frozen=True, kw_only=True):
    """One message of a page to one person by one method.

    `rule` is the person's own notification rule, due at `due_at` (null: at once). Messages that
    left as one carry the same `bundle`.
    """

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
    rule: int
    due_at: datetime | None
    urgency: Urgency
    bundle: UUID | None
    attempts: tuple[AttemptShape, ...]


class PageShape(Struct, frozen=True, kw_only=True):
    """One escalation run of one policy for one incident; steps and loops count from 0.

    `requested`: asked for by hand, of a policy or of `asked_person`. `waits_until`: snoozed or
    held until then. `called_for`: why it calls from where it calls, by `moved_by` if by a
    person. `assigned`: to whom it was handed, who is called before the policy; "" to nobody.
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
    urgency: Urgency
    waits_until: datetime | None
    called_for: CallReason
    moved_by: PersonShape | None
    assigned: str


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
    """Whose turn it is, from `start_at` until just before `end_at`; `person` is the first of them.

    Turn `turn` of `layer` is its identity, whenever it is; an override's shift has no layer.
    """

    person: PersonShape
    people: tuple[PersonShape, ...]
    slot: str
    layer: str
    turn: int
    overrides: tuple[UUID, ...]
    start_at: datetime
    end_at: datetime


class ScheduleShape(Struct, frozen=True, kw_only=True):
    """Who has a slot of a schedule now, and who after that; null: nobody."""

    id: UUID
    name: str
    slot: str
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
