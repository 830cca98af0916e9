"""Pages: one escalation run each, what they are about and what they wait for."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from tocsin.kernel.ids import IncidentId, PageId, PersonId, PolicyId
from tocsin.kernel.vocabulary import Labels, Urgency
from tocsin.oncall.model.policies import Target


class PageState(StrEnum):
    """TRIGGERED: the first rung is being called; ESCALATING: a later one.

    SNOOZED and HELD call nobody until their instant: a person has put it off, or it is of low
    urgency and its hours have not come.
    """

    TRIGGERED = "triggered"
    ESCALATING = "escalating"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    HELD = "held"
    RESOLVED = "resolved"


class CallReason(StrEnum):
    """Why the page calls from where it calls now, for the words of its messages."""

    OPENED = "opened"
    REOPENED = "reopened"
    ACK_EXPIRED = "ack_expired"
    SNOOZE_OVER = "snooze_over"
    REASSIGNED = "reassigned"
    HANDED_BACK = "handed_back"
    ESCALATED = "escalated"
    RAISED = "raised"


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

    Of low `urgency` it waits for support hours and for the end of quiet hours. `waits_until` is
    when a snoozed or held page goes on. `assigned` is called before the policy, because
    somebody has reassigned the page; `routed` is the policy it had before it was handed to
    another one; `moved_by` is who did the last such thing. `ticket` is its
    number among the policy's pages, for steps that take turns.
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
    urgency: Urgency = Urgency.HIGH
    waits_until: datetime | None = None
    called_for: CallReason = CallReason.OPENED
    moved_by: PersonId | None = None
    assigned: Target | None = None
    routed: PolicyId | None = None
    ticket: int = 0

    @property
    def is_open(self) -> bool:
        """Say whether the page still looks for somebody who answers."""
        return self.state in (PageState.TRIGGERED, PageState.ESCALATING)

    @property
    def is_waiting(self) -> bool:
        """Say whether the page calls nobody now, and will by itself."""
        return self.state in (PageState.SNOOZED, PageState.HELD)

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
    SNOOZE = "snooze"
    OPENING = "opening"
