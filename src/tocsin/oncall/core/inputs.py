"""What can happen to a page: the inputs of `core.page.step`."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from tocsin.kernel.ids import PersonId, PolicyId
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core.ladder import Ladder
from tocsin.oncall.model import MethodKind, Notification, NotifyRules, Target


class Trigger(Struct, frozen=True):
    """The page is new (epoch 0): call its first rung."""

    ladder: Ladder


class StepDue(Struct, frozen=True):
    """The STEP timer of `epoch` is due: nobody has acknowledged the rung called last."""

    epoch: int
    ladder: Ladder


class CatchDue(Struct, frozen=True):
    """The CATCH timer of `epoch` is due: nobody has answered the catch-all's call."""

    epoch: int
    ladder: Ladder


class AckExpired(Struct, frozen=True):
    """The ACK_TIMEOUT timer of `epoch` is due: acknowledged long ago, and not resolved."""

    epoch: int
    ladder: Ladder


class Acknowledge(Struct, frozen=True):
    """Somebody takes the page; `by` is None when the hand is not a person of on-call.

    `ack_timeout_s` is the policy's; 0 means that the acknowledgement never runs out. `via` is
    the sender that says so of its alert.
    """

    by: PersonId | None
    ack_timeout_s: int
    via: str = ""


class Resolve(Struct, frozen=True):
    """What the page is about is over."""


class Escalate(Struct, frozen=True):
    """Somebody asks for the next rung now; an acknowledged page goes on climbing."""

    by: PersonId | None
    ladder: Ladder


class Retrigger(Struct, frozen=True):
    """The incident was reopened: call from the first rung again, as urgently as this.

    `assigned` is called before it: to them somebody has handed what is merged into it.
    """

    ladder: Ladder
    urgency: Urgency = Urgency.HIGH
    assigned: Target | None = None


class Raise(Struct, frozen=True):
    """What the page is about is urgent now: call at once, whatever the hour."""

    ladder: Ladder


class Snooze(Struct, frozen=True):
    """Somebody puts the page off: it calls from the first rung again at `until`."""

    by: PersonId | None
    until: datetime


class SnoozeOver(Struct, frozen=True):
    """The SNOOZE timer of `epoch` is due."""

    epoch: int
    ladder: Ladder


class OpeningDue(Struct, frozen=True):
    """The OPENING timer of `epoch` is due: the hours have come for which the page was held."""

    epoch: int
    ladder: Ladder


class Reassign(Struct, frozen=True, kw_only=True):
    """Somebody hands the page to a target, called before the policy; or to another policy.

    `ladder` is that of the page as it will be; `target` None: the policy alone.
    """

    by: PersonId | None
    ladder: Ladder
    target: Target | None
    policy_id: PolicyId
    asked_person: PersonId | None
    ticket: int


class HandBack(Struct, frozen=True):
    """Who has taken the page, or has put it off, does not have it any more: call again."""

    by: PersonId | None
    ladder: Ladder


class Sent(Struct, frozen=True):
    """The provider took the message."""


class TransientFailure(Struct, frozen=True):
    """It may work later, not before `retry_after_s`: timeout, 4xx of SMTP, 5xx of HTTP.

    `skipped`: the provider was not even asked, because it is known to be down: it was no try.
    """

    reason: str
    retry_after_s: float | None = None
    skipped: bool = False


class PermanentFailure(Struct, frozen=True):
    """It will never work: no such mailbox, 410."""

    reason: str


class Unconfirmed(Struct, frozen=True):
    """It was sent, and no receipt came in time: it may have arrived, and may not have."""


Outcome = Sent | TransientFailure | PermanentFailure | Unconfirmed


class AttemptEnded(Struct, frozen=True, kw_only=True):
    """One attempt to deliver `notification` is over.

    `siblings` are all notifications of the same rung as stored; the state stored for this
    one does not matter. `methods` are what the person can be reached by now, `sure` the indices
    of those among them that are proved to (None: all); `notify` is how they want to be.
    `skipped_count` is how many of the notification's attempts asked no provider.
    """

    notification: Notification
    outcome: Outcome
    siblings: tuple[Notification, ...]
    methods: tuple[MethodKind, ...]
    sure: frozenset[int] | None = None
    notify: NotifyRules = NotifyRules()
    skipped_count: int = 0


Input = (
    Trigger
    | StepDue
    | CatchDue
    | AckExpired
    | Acknowledge
    | Resolve
    | Escalate
    | Retrigger
    | Raise
    | Snooze
    | SnoozeOver
    | OpeningDue
    | Reassign
    | HandBack
    | AttemptEnded
)


class InputKind(StrEnum):
    """The inputs that can come too late, by name, for the log."""

    TRIGGER = "trigger"
    STEP_DUE = "step_due"
    CATCH_DUE = "catch_due"
    ACK_EXPIRED = "ack_expired"
    RETRIGGER = "retrigger"
    RAISE = "raise"
    SNOOZE_OVER = "snooze_over"
    OPENING_DUE = "opening_due"
    HAND_BACK = "hand_back"
    ATTEMPT = "attempt"
