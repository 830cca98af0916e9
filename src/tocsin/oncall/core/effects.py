"""What a step of a page brings about: orders to carry out and facts to record.

Orders (Notify, SetTimer, PullForward, Hurry, TellUrl, Retry) change rows; facts are for the
log, one event each, with all that its sentence needs. Both commit with the page, or not at all.
"""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from tocsin.kernel.ids import NotificationId, PersonId, PolicyId, ScheduleId
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core.inputs import InputKind
from tocsin.oncall.core.ladder import Missing
from tocsin.oncall.model import MethodKind, RungKey, Target, TimerKind


class Notify(Struct, frozen=True, kw_only=True):
    """Queue a notification, once: the key (page, rung, person, rule, method) is unique.

    It is sent at `due_at`; None: now.
    """

    rung: RungKey
    person_id: PersonId
    rule: int = 0
    method: int
    kind: MethodKind
    urgency: Urgency = Urgency.HIGH
    due_at: datetime | None = None


class TellUrl(Struct, frozen=True):
    """Tell the webhook that is this target of the rung's step."""

    rung: RungKey
    target: int


class Hurry(Struct, frozen=True):
    """Make a notification that waits for its rule due at `due_at`, if that is sooner."""

    notification_id: NotificationId
    due_at: datetime


class SetTimer(Struct, frozen=True):
    """Insert a timer of the page."""

    kind: TimerKind
    due_at: datetime
    epoch: int


class PullForward(Struct, frozen=True):
    """Make the pending timer of this kind and epoch due at `due_at`, if it is later."""

    kind: TimerKind
    due_at: datetime
    epoch: int


class Retry(Struct, frozen=True, kw_only=True):
    """Queue the notification again, not to be claimed before `due_at`."""

    notification_id: NotificationId
    rung: RungKey
    person_id: PersonId
    method: int
    kind: MethodKind
    attempt_count: int
    reason: str
    due_at: datetime


Order = Notify | TellUrl | Hurry | SetTimer | PullForward | Retry


class Opened(Struct, frozen=True):
    """The page was opened and its ladder entered."""


class Escalated(Struct, frozen=True, kw_only=True):
    """A rung was called; unless somebody acknowledges, the next one is at `next_at`.

    `schedules` says for each of `people` which schedule's shift brought them (None: none did).
    """

    rung: RungKey
    people: tuple[PersonId, ...]
    missing: tuple[Missing, ...]
    next_at: datetime
    schedules: tuple[ScheduleId | None, ...] = ()
    urgency: Urgency = Urgency.HIGH


class NobodyAt(Struct, frozen=True):
    """A rung has nobody who can be reached, so it was passed over without waiting."""

    rung: RungKey
    missing: tuple[Missing, ...]


class LoopRestarted(Struct, frozen=True):
    """Every step was tried; the ladder begins again, for the `loop`th time after the first."""

    loop: int
    repeat: int


class CatchAllCalled(Struct, frozen=True, kw_only=True):
    """The ladder is exhausted and its catch-all called, for the `rung.catch`th time."""

    rung: RungKey
    people: tuple[PersonId, ...]
    missing: tuple[Missing, ...]
    next_at: datetime


class UnpageableReason(StrEnum):
    """Why an alarm outside the normal way is due."""

    NOBODY_REACHABLE = "nobody_reachable"
    UNANSWERED = "unanswered"
    ALL_FAILED = "all_failed"


class Unpageable(Struct, frozen=True):
    """The page cannot reach anybody who answers; said once per epoch, and it goes on."""

    reason: UnpageableReason
    missing: tuple[Missing, ...] = ()


class Acknowledged(Struct, frozen=True):
    """Somebody has taken the page; it is called again at `expires_at` (None: never)."""

    by: PersonId | None
    expires_at: datetime | None


class AlreadyAcknowledged(Struct, frozen=True):
    """Somebody else (`first`) had taken it; `by` helps as co-responder."""

    by: PersonId | None
    first: PersonId | None


class AlreadyResolved(Struct, frozen=True):
    """The page was resolved before; nothing changes and nothing reopens."""

    resolved_at: datetime | None


class AcknowledgeExpired(Struct, frozen=True):
    """Acknowledged too long ago without a resolve: called again, for the `count`th time."""

    by: PersonId | None
    count: int


class RetriggersSpent(Struct, frozen=True):
    """Called again `count` times for acknowledgements that ran out; not once more."""

    by: PersonId | None
    count: int


class EscalationAsked(Struct, frozen=True):
    """Somebody asked for the next rung."""

    by: PersonId | None


class Resolved(Struct, frozen=True):
    """The page is over; `acknowledged_by` is who had it, if anybody."""

    acknowledged_by: PersonId | None


class Retriggered(Struct, frozen=True):
    """The page was opened again, because its incident was."""


class HeldReason(StrEnum):
    """What a page of low urgency waits for."""

    SUPPORT_HOURS = "support_hours"
    QUIET_HOURS = "quiet_hours"


class Held(Struct, frozen=True):
    """The page calls nobody until `until`; then it goes on by itself.

    `holiday` is the public one because of which support hours have not begun before.
    """

    reason: HeldReason
    until: datetime
    holiday: str = ""


class HoldEnded(Struct, frozen=True):
    """The hours have come for which the page was held."""


class Snoozed(Struct, frozen=True):
    """Somebody has put the page off until `until`."""

    by: PersonId | None
    until: datetime


class SnoozeEnded(Struct, frozen=True):
    """The time is over for which the page was put off."""

    by: PersonId | None


class Reassigned(Struct, frozen=True):
    """Somebody has handed the page to a target, or to another policy (target None)."""

    by: PersonId | None
    target: Target | None
    policy_id: PolicyId


class HandedBack(Struct, frozen=True):
    """Who had the page does not have it any more."""

    by: PersonId | None


class Raised(Struct, frozen=True):
    """The page is of high urgency now."""


class StaleReason(StrEnum):
    """Why an input came too late to matter."""

    OLDER_EPOCH = "older_epoch"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    OTHER_RUNG = "other_rung"
    STILL_OPEN = "still_open"
    TRIGGERED_BEFORE = "triggered_before"
    SNOOZED = "snoozed"
    HELD = "held"
    HIGH_ALREADY = "high_already"


class Stale(Struct, frozen=True):
    """An input was fenced off: the page has moved on."""

    what: InputKind
    reason: StaleReason


class MethodSent(Struct, frozen=True, kw_only=True):
    """The provider took the notification: it is SENT."""

    notification_id: NotificationId
    rung: RungKey
    person_id: PersonId
    method: int
    kind: MethodKind
    attempt_count: int


class MethodFailed(Struct, frozen=True, kw_only=True):
    """The notification was given up: it is FAILED."""

    notification_id: NotificationId
    rung: RungKey
    person_id: PersonId
    method: int
    kind: MethodKind
    attempt_count: int
    permanent: bool
    reason: str


class MethodUnconfirmed(Struct, frozen=True, kw_only=True):
    """No receipt came for what was sent: it stays SENT, and the next method follows."""

    notification_id: NotificationId
    rung: RungKey
    person_id: PersonId
    method: int
    kind: MethodKind
    attempt_count: int


class PersonUnreachable(Struct, frozen=True):
    """Every method of the person has failed on this rung."""

    rung: RungKey
    person_id: PersonId


Fact = (
    Opened
    | Escalated
    | NobodyAt
    | LoopRestarted
    | CatchAllCalled
    | Unpageable
    | Acknowledged
    | AlreadyAcknowledged
    | AlreadyResolved
    | AcknowledgeExpired
    | RetriggersSpent
    | EscalationAsked
    | Resolved
    | Retriggered
    | Held
    | HoldEnded
    | Snoozed
    | SnoozeEnded
    | Reassigned
    | HandedBack
    | Raised
    | Stale
    | MethodSent
    | MethodFailed
    | MethodUnconfirmed
    | PersonUnreachable
)
Effect = Order | Fact
