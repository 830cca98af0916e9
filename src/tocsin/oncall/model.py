"""The nouns of on-call: people, rotations, policies, pages, notifications; no behaviour."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from tocsin.kernel.ids import (
    IncidentId,
    NotificationId,
    PageId,
    PersonId,
    PolicyId,
    ScheduleId,
)
from tocsin.kernel.vocabulary import Labels

Positive = Annotated[int, Meta(ge=1)]
NotNegative = Annotated[int, Meta(ge=0)]


class MethodKind(StrEnum):
    """By what means a person can be told."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    NTFY = "ntfy"
    APPRISE = "apprise"
    INBOX = "inbox"


class Show(StrEnum):
    """How much of the text leaves by a method: all, the title alone, or only INC-12."""

    FULL = "full"
    TITLE = "title"
    REFERENCE = "reference"


class Method(Struct, frozen=True, kw_only=True):
    """One address of one person; `secret` signs a webhook, or is the access token of ntfy.

    `priority` is ntfy's, 1 to 5; None: the most urgent.
    """

    kind: MethodKind
    address: str
    secret: str | None = None
    show: Show = Show.FULL
    priority: int | None = None


class Person(Struct, frozen=True, kw_only=True):
    """Somebody who can be paged: `methods` in the order in which they are tried."""

    id: PersonId
    name: str
    display_name: str
    methods: tuple[Method, ...] = ()
    zone: str = "UTC"
    active: bool = True


class RotationUnit(StrEnum):
    """The calendar unit a shift is counted in, in the rotation's own zone."""

    DAY = "day"
    WEEK = "week"


class Rotation(Struct, frozen=True, kw_only=True):
    """People who take turns: handoff k is at `starts_at_local` plus k x `length` units.

    `starts_at_local` is an ISO date and wall-clock time without offset, "2026-01-05T09:00".
    """

    id: ScheduleId
    name: str
    zone: str
    starts_at_local: str
    unit: RotationUnit
    length: Positive = 1
    people: tuple[PersonId, ...] = ()


class PersonTarget(Struct, frozen=True, tag="person"):
    """Call this person."""

    person: PersonId


class ScheduleTarget(Struct, frozen=True, tag="schedule"):
    """Call whoever is on call for this schedule at the instant of the call."""

    schedule: ScheduleId


Target = PersonTarget | ScheduleTarget


class Step(Struct, frozen=True):
    """Call `targets`, then wait `timeout_s` for an acknowledgement."""

    targets: tuple[Target, ...]
    timeout_s: Positive


class Policy(Struct, frozen=True, kw_only=True):
    """Who is called, in which order, and who at last when nobody answers.

    `repeat` more rounds follow the first one. `ack_timeout_s` after an acknowledgement the
    page is triggered again unless it is resolved by then; 0 means never.
    """

    id: PolicyId
    name: str
    steps: tuple[Step, ...]
    repeat: NotNegative = 0
    catch_all: tuple[Target, ...] = ()
    catch_every_s: Positive = 600
    ack_timeout_s: NotNegative = 1800
    team: str | None = None


class PageState(StrEnum):
    """TRIGGERED: the first rung is being called; ESCALATING: a later one."""

    TRIGGERED = "triggered"
    ESCALATING = "escalating"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class RungKey(Struct, frozen=True, kw_only=True):
    """One call of one rung; in the catch-all `catch` counts from 1 and `step` is -1."""

    epoch: int
    loop: int
    step: int
    catch: int = 0


class Page(Struct, frozen=True, kw_only=True):
    """One escalation run of one policy for one incident.

    `epoch` fences: timers and notifications of an older epoch are void. It is 0, and `step`
    -1, until the page is triggered. `catch` counts calls of the catch-all. `retriggers` counts
    acknowledgements that ran out. `unpageable` says that the alarm was raised in this epoch.
    `requested` pages were asked for by a person, beside those of the routes; `asked_person` is
    called in place of a policy. `visible_to` None: everyone may see it.
    """

    id: PageId
    incident_id: IncidentId
    policy_id: PolicyId
    state: PageState = PageState.TRIGGERED
    epoch: int = 0
    step: int = -1
    loop: int = 0
    catch: int = 0
    retriggers: int = 0
    unpageable: bool = False
    opened_at: datetime
    acknowledged_by: PersonId | None = None
    acknowledged_at: datetime | None = None
    acknowledged_via: str = ""  # the sender, when it says that somebody has the alert there
    resolved_at: datetime | None = None
    visible_to: tuple[str, ...] | None = None
    team: str | None = None
    requested: bool = False
    asked_person: PersonId | None = None

    @property
    def is_open(self) -> bool:
        """Say whether the page still looks for somebody who answers."""
        return self.state in (PageState.TRIGGERED, PageState.ESCALATING)

    @property
    def rung(self) -> RungKey:
        """Name the rung that was called last."""
        step = -1 if self.catch else self.step
        return RungKey(epoch=self.epoch, loop=self.loop, step=step, catch=self.catch)


class Brief(Struct, frozen=True, kw_only=True):
    """What a page is about, in the words people are paged with; untrusted text, length-limited."""

    number: int
    title: str
    summary: str
    labels: Labels
    source_url: str = ""
    runbook_url: str = ""


class Scope(Struct, frozen=True, kw_only=True):
    """Whose an incident is (None: no team's), and who may see it (None: everyone)."""

    team: str | None = None
    visible_to: tuple[str, ...] | None = None


class TimerKind(StrEnum):
    """What a page waits for; at most one is pending per page and epoch."""

    STEP = "step"
    CATCH = "catch"
    ACK_TIMEOUT = "ack_timeout"


class NotificationState(StrEnum):
    """SUPPRESSED: fenced off before it was sent."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    SUPPRESSED = "suppressed"


class Notification(Struct, frozen=True, kw_only=True):
    """One message of a page to one person by one method; many attempts may stand under it.

    `method` indexes the person's methods. `attempt_count` counts claims, so it includes the
    attempt under way. `rule` is the person's own notification rule, so far always 0.
    """

    id: NotificationId
    page_id: PageId
    epoch: int
    loop: int
    step: int
    catch: int
    person_id: PersonId
    rule: int = 0
    method: int
    kind: MethodKind
    state: NotificationState = NotificationState.QUEUED
    attempt_count: int = 0
    queued_at: datetime

    @property
    def rung(self) -> RungKey:
        """Name the rung on whose behalf the person is told."""
        return RungKey(epoch=self.epoch, loop=self.loop, step=self.step, catch=self.catch)


class ContactTest(Struct, frozen=True, kw_only=True):
    """An attempt without a page: a message that a person sends to themselves.

    `outcome` is sent, transient or permanent; None: under way, or the process died.
    """

    id: UUID
    person_id: PersonId
    method: int
    kind: MethodKind
    show: Show
    started_at: datetime
    ended_at: datetime | None = None
    outcome: str | None = None
    provider_id: str = ""
    error: str = ""


def key(notification: Notification) -> str:
    """Return the idempotency key: the same for every attempt, unlike that of any other row."""
    n = notification
    rung = f"c{n.catch}" if n.catch else f"s{n.step}"
    return f"{n.page_id}/e{n.epoch}/l{n.loop}/{rung}/{n.person_id}/r{n.rule}/m{n.method}"
