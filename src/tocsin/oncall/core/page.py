"""The page machine as one pure step: page, input, instant -> page, effects.

Whoever calls it holds the page's row lock and commits page and effects together.
"""

from datetime import datetime, timedelta
from typing import assert_never

from msgspec.structs import replace

from tocsin.kernel.ids import IncidentId, PageId, PersonId, PolicyId
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core import delivery
from tocsin.oncall.core.climbing import CATCH_ALL_PATIENCE, Stepped, climb
from tocsin.oncall.core.effects import (
    Acknowledged,
    AcknowledgeExpired,
    AlreadyAcknowledged,
    AlreadyResolved,
    EscalationAsked,
    HandedBack,
    HoldEnded,
    Opened,
    Raised,
    Reassigned,
    Resolved,
    Retriggered,
    RetriggersSpent,
    SetTimer,
    Snoozed,
    SnoozeEnded,
    Stale,
    StaleReason,
)
from tocsin.oncall.core.fence import closed, fenced
from tocsin.oncall.core.inputs import (
    AckExpired,
    Acknowledge,
    AttemptEnded,
    CatchDue,
    Escalate,
    HandBack,
    Input,
    InputKind,
    OpeningDue,
    Raise,
    Reassign,
    Resolve,
    Retrigger,
    Snooze,
    SnoozeOver,
    StepDue,
    Trigger,
)
from tocsin.oncall.core.ladder import Ladder
from tocsin.oncall.model import CallReason, Page, PageState, Policy, Target, TimerKind

__all__ = [
    "CATCH_ALL_PATIENCE", "RETRIGGERS_MAX", "Stepped", "afresh", "due_timer", "is_in_hand",
    "new_page",
    "reassigned", "step", "witness",
]  # fmt: skip

RETRIGGERS_MAX = 12
"""How often an acknowledgement that ran out calls people again."""


def new_page(
    *, page_id: PageId, incident_id: IncidentId, policy_id: PolicyId, now: datetime
) -> Page:
    """Return a page that has called nobody yet: hand it to `step` with a Trigger at once."""
    return Page(id=page_id, incident_id=incident_id, policy_id=policy_id, opened_at=now)


def witness(page: Page) -> TimerKind | None:
    """Name the timer without which this page would be forgotten; None: it needs none.

    An acknowledged page answers None: whether it has a timer is its policy's choice.
    """
    if not page.is_open:
        return None
    return TimerKind.CATCH if page.catch else TimerKind.STEP


def is_in_hand(page: Page) -> bool:
    """Say whether somebody is or will be called, or has taken the page and will be asked again."""
    if page.state is PageState.ACKNOWLEDGED:
        return page.retriggers < RETRIGGERS_MAX
    return page.is_open or page.is_waiting


def due_timer(page: Page, policy: Policy, now: datetime) -> SetTimer | None:
    """Return the timer that a page must have, as it is set when the page has lost it."""
    if page.state is PageState.ACKNOWLEDGED:
        if policy.ack_timeout_s == 0 or not is_in_hand(page) or page.acknowledged_at is None:
            return None
        expires_at = page.acknowledged_at + timedelta(seconds=policy.ack_timeout_s)
        return SetTimer(TimerKind.ACK_TIMEOUT, max(now, expires_at), page.epoch)
    if page.is_waiting:
        kind = TimerKind.SNOOZE if page.state is PageState.SNOOZED else TimerKind.OPENING
        return SetTimer(kind, max(now, page.waits_until or now), page.epoch)
    found = witness(page)
    return None if found is None else SetTimer(found, now, page.epoch)


def step(page: Page, happened: Input, now: datetime) -> Stepped:  # noqa: C901, PLR0911, PLR0912 - one each
    """Say what becomes of `page`, and what else must happen in the same transaction.

    There is always at least one effect: what changes nothing says why (`Stale`, `Already...`).
    """
    match happened:
        case Trigger(ladder):
            return _trigger(page, ladder, now)
        case StepDue() | CatchDue():
            return _due(page, happened, now)
        case AckExpired():
            return _ack_expired(page, happened, now)
        case Acknowledge():
            return _acknowledge(page, happened, now)
        case Resolve():
            return _resolve(page, now)
        case Escalate(by, ladder):
            return _escalate(page, by, ladder, now)
        case Retrigger():
            return _retrigger(page, happened, now)
        case Raise(ladder):
            return _raise(page, ladder, now)
        case Snooze(by, until):
            return _snooze(page, by, until)
        case SnoozeOver():
            return _snooze_over(page, happened, now)
        case OpeningDue():
            return _opening_due(page, happened, now)
        case Reassign():
            return _reassign(page, happened, now)
        case HandBack(by, ladder):
            return _hand_back(page, by, ladder, now)
        case AttemptEnded():
            return delivery.attempt_ended(page, happened, now)
        case _:
            assert_never(happened)


def _trigger(page: Page, ladder: Ladder, now: datetime) -> Stepped:
    if page.epoch > 0:
        return _stale(page, InputKind.TRIGGER, StaleReason.TRIGGERED_BEFORE)
    page, effects = climb(_next_epoch(page), ladder, now)
    return page, (Opened(), *effects)


def _due(page: Page, due: StepDue | CatchDue, now: datetime) -> Stepped:
    is_catch = isinstance(due, CatchDue)
    reason = fenced(page, due.epoch)
    if reason is None and is_catch != (page.catch > 0):
        reason = StaleReason.OTHER_RUNG
    if reason is not None:
        what = InputKind.CATCH_DUE if is_catch else InputKind.STEP_DUE
        return _stale(page, what, reason)
    return climb(page, due.ladder, now)


def _ack_expired(page: Page, due: AckExpired, now: datetime) -> Stepped:
    if due.epoch != page.epoch:
        return _stale(page, InputKind.ACK_EXPIRED, StaleReason.OLDER_EPOCH)
    if page.state is not PageState.ACKNOWLEDGED:
        reason = closed(page) or StaleReason.STILL_OPEN
        return _stale(page, InputKind.ACK_EXPIRED, reason)
    by = page.acknowledged_by
    if page.retriggers >= RETRIGGERS_MAX:
        return page, (RetriggersSpent(by, page.retriggers),)
    again = replace(
        _from_the_start(page), retriggers=page.retriggers + 1, moved_by=by,
        called_for=CallReason.ACK_EXPIRED,
    )  # fmt: skip
    again, effects = climb(again, due.ladder, now)
    return again, (AcknowledgeExpired(by, again.retriggers), *effects)


def _acknowledge(page: Page, ack: Acknowledge, now: datetime) -> Stepped:
    if page.state is PageState.RESOLVED:
        return page, (AlreadyResolved(page.resolved_at),)
    if page.state is PageState.ACKNOWLEDGED:
        return page, (AlreadyAcknowledged(ack.by, page.acknowledged_by),)
    taken = replace(
        _next_epoch(page),
        state=PageState.ACKNOWLEDGED,
        acknowledged_by=ack.by,
        acknowledged_at=now,
        acknowledged_via=ack.via,
    )
    if ack.ack_timeout_s == 0:
        return taken, (Acknowledged(ack.by, None),)
    expires_at = now + timedelta(seconds=ack.ack_timeout_s)
    timer = SetTimer(TimerKind.ACK_TIMEOUT, expires_at, taken.epoch)
    return taken, (Acknowledged(ack.by, expires_at), timer)


def _resolve(page: Page, now: datetime) -> Stepped:
    if page.state is PageState.RESOLVED:
        return page, (AlreadyResolved(page.resolved_at),)
    over = replace(_next_epoch(page), state=PageState.RESOLVED, resolved_at=now)
    return over, (Resolved(page.acknowledged_by),)


def _escalate(page: Page, by: PersonId | None, ladder: Ladder, now: datetime) -> Stepped:
    if page.state is PageState.RESOLVED:
        return page, (AlreadyResolved(page.resolved_at),)
    page = replace(_untaken(_next_epoch(page)), moved_by=by, called_for=CallReason.ESCALATED)
    page, effects = climb(page, ladder, now, at_once=True)
    return page, (EscalationAsked(by), *effects)


def _retrigger(page: Page, again: Retrigger, now: datetime) -> Stepped:
    if page.is_open or page.is_waiting:
        return _stale(page, InputKind.RETRIGGER, StaleReason.STILL_OPEN)
    page = replace(
        _from_the_start(afresh(page)), retriggers=0, resolved_at=None, urgency=again.urgency,
        moved_by=None, called_for=CallReason.REOPENED, assigned=again.assigned,
    )  # fmt: skip
    page, effects = climb(page, again.ladder, now)
    return page, (Retriggered(), *effects)


def _raise(page: Page, ladder: Ladder, now: datetime) -> Stepped:
    if page.state is PageState.RESOLVED:
        return page, (AlreadyResolved(page.resolved_at),)
    if page.urgency is Urgency.HIGH:
        return _stale(page, InputKind.RAISE, StaleReason.HIGH_ALREADY)
    page = replace(
        _from_the_start(page), urgency=Urgency.HIGH, called_for=CallReason.RAISED, moved_by=None
    )
    page, effects = climb(page, ladder, now)
    return page, (Raised(), *effects)


def _snooze(page: Page, by: PersonId | None, until: datetime) -> Stepped:
    if page.state is PageState.RESOLVED:
        return page, (AlreadyResolved(page.resolved_at),)
    page = replace(
        _untaken(_next_epoch(page)), state=PageState.SNOOZED, waits_until=until, moved_by=by
    )
    return page, (Snoozed(by, until), SetTimer(TimerKind.SNOOZE, until, page.epoch))


def _snooze_over(page: Page, due: SnoozeOver, now: datetime) -> Stepped:
    if due.epoch != page.epoch:
        return _stale(page, InputKind.SNOOZE_OVER, StaleReason.OLDER_EPOCH)
    if page.state is not PageState.SNOOZED:
        reason = closed(page) or StaleReason.STILL_OPEN
        return _stale(page, InputKind.SNOOZE_OVER, reason)
    by = page.moved_by
    page = replace(_from_the_start(page), called_for=CallReason.SNOOZE_OVER)
    page, effects = climb(page, due.ladder, now)
    return page, (SnoozeEnded(by), *effects)


def _opening_due(page: Page, due: OpeningDue, now: datetime) -> Stepped:
    if due.epoch != page.epoch:
        return _stale(page, InputKind.OPENING_DUE, StaleReason.OLDER_EPOCH)
    if page.state is not PageState.HELD:
        reason = closed(page) or StaleReason.STILL_OPEN
        return _stale(page, InputKind.OPENING_DUE, reason)
    page, effects = climb(page, due.ladder, now)
    return page, (HoldEnded(), *effects)


def _reassign(page: Page, to: Reassign, now: datetime) -> Stepped:
    if page.state is PageState.RESOLVED:
        return page, (AlreadyResolved(page.resolved_at),)
    page = reassigned(page, to.target, to.policy_id, to.asked_person, to.ticket)
    page = replace(_from_the_start(page), moved_by=to.by, called_for=CallReason.REASSIGNED)
    page, effects = climb(page, to.ladder, now)
    return page, (Reassigned(to.by, to.target, to.policy_id), *effects)


def reassigned(
    page: Page,
    target: Target | None,
    policy_id: PolicyId,
    asked_person: PersonId | None,
    ticket: int,
) -> Page:
    """Return whom a page calls once it is handed on; its ladder is what `step` is given."""
    routed = page.routed
    if policy_id != page.policy_id and routed is None and page.asked_person is None:
        routed = page.policy_id
    return replace(
        page, assigned=target, policy_id=policy_id, asked_person=asked_person, ticket=ticket,
        routed=routed,
    )  # fmt: skip


def afresh(page: Page) -> Page:
    """Return a page as it was before anybody handed it on."""
    return replace(page, assigned=None, policy_id=page.routed or page.policy_id, routed=None)


def _hand_back(page: Page, by: PersonId | None, ladder: Ladder, now: datetime) -> Stepped:
    if page.state not in (PageState.ACKNOWLEDGED, PageState.SNOOZED):
        reason = closed(page) or StaleReason.STILL_OPEN
        return _stale(page, InputKind.HAND_BACK, reason)
    page = replace(_from_the_start(page), moved_by=by, called_for=CallReason.HANDED_BACK)
    page, effects = climb(page, ladder, now)
    return page, (HandedBack(by), *effects)


def _next_epoch(page: Page) -> Page:
    return replace(page, epoch=page.epoch + 1, unpageable=False, waits_until=None)


def _from_the_start(page: Page) -> Page:
    page = replace(_untaken(_next_epoch(page)), step=-1, loop=0, catch=0)
    return replace(page, state=PageState.TRIGGERED)


def _untaken(page: Page) -> Page:
    return replace(page, acknowledged_by=None, acknowledged_at=None, acknowledged_via="")


def _stale(page: Page, what: InputKind, reason: StaleReason) -> Stepped:
    return page, (Stale(what, reason),)
