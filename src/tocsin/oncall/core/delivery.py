"""What follows when an attempt to tell somebody ends: retry, next method, or next rung now."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from tocsin.oncall.core.effects import (
    Effect,
    MethodFailed,
    MethodSent,
    Notify,
    PersonUnreachable,
    PullForward,
    Retry,
    Stale,
    Unpageable,
    UnpageableReason,
)
from tocsin.oncall.core.fence import fenced
from tocsin.oncall.core.inputs import (
    AttemptEnded,
    InputKind,
    PermanentFailure,
    Sent,
    TransientFailure,
)
from tocsin.oncall.core.ladder import Missing
from tocsin.oncall.model import Notification, NotificationState, Page, TimerKind

RETRY_AFTER_S = (5, 20)
"""Seconds before the second and the third attempt; there is no fourth."""

RETRY_WAIT_MAX_S = 60
"""A provider may ask for patience, but not for more than this: the next method is waiting."""

_GIVEN_UP = (NotificationState.FAILED, NotificationState.SUPPRESSED)


def attempt_ended(
    page: Page, ended: AttemptEnded, now: datetime
) -> tuple[Page, tuple[Effect, ...]]:
    """Say what the outcome of an attempt means for its notification, its person, its page.

    Just one of MethodSent, MethodFailed and Retry is among the effects: it settles the
    notification's state, also when the page has moved on meanwhile.
    """
    notification, outcome = ended.notification, ended.outcome
    if isinstance(outcome, Sent):
        return page, (_sent(notification),)
    stale = fenced(page, notification.epoch)
    if stale is not None:
        return page, (_failed(notification, outcome), Stale(InputKind.ATTEMPT, stale))
    retries = notification.attempt_count - 1
    if isinstance(outcome, TransientFailure) and retries < len(RETRY_AFTER_S):
        wait_s = max(RETRY_AFTER_S[max(retries, 0)], outcome.retry_after_s or 0)
        due_at = now + timedelta(seconds=min(wait_s, RETRY_WAIT_MAX_S))
        return page, (_retry(notification, outcome.reason, due_at),)
    page, effects = _next_method(page, ended, now)
    return page, (_failed(notification, outcome), *effects)


def alarm(
    page: Page, reason: UnpageableReason, missing: tuple[Missing, ...] = ()
) -> tuple[Page, tuple[Effect, ...]]:
    """Mark the page unpageable and say so, once per epoch."""
    if page.unpageable:
        return page, ()
    return replace(page, unpageable=True), (Unpageable(reason, missing),)


def _next_method(
    page: Page, ended: AttemptEnded, now: datetime
) -> tuple[Page, tuple[Effect, ...]]:
    failed = ended.notification
    method = failed.method + 1
    if method < len(ended.methods):
        notify = Notify(
            rung=failed.rung,
            person_id=failed.person_id,
            rule=failed.rule,
            method=method,
            kind=ended.methods[method],
        )
        return page, (notify,)
    unreachable = PersonUnreachable(failed.rung, failed.person_id)
    others = (other for other in ended.siblings if other.id != failed.id)
    # A rung that was left behind may fail in peace: the present one has its own time to run.
    if failed.rung != page.rung or any(other.state not in _GIVEN_UP for other in others):
        return page, (unreachable,)
    if page.catch:
        page, effects = alarm(page, UnpageableReason.ALL_FAILED)
        return page, (unreachable, *effects)
    return page, (unreachable, PullForward(TimerKind.STEP, now, page.epoch))


def _sent(notification: Notification) -> MethodSent:
    return MethodSent(
        notification_id=notification.id,
        rung=notification.rung,
        person_id=notification.person_id,
        method=notification.method,
        kind=notification.kind,
        attempt_count=notification.attempt_count,
    )


def _retry(notification: Notification, reason: str, due_at: datetime) -> Retry:
    return Retry(
        notification_id=notification.id,
        rung=notification.rung,
        person_id=notification.person_id,
        method=notification.method,
        kind=notification.kind,
        attempt_count=notification.attempt_count,
        reason=reason,
        due_at=due_at,
    )


def _failed(
    notification: Notification, outcome: TransientFailure | PermanentFailure
) -> MethodFailed:
    return MethodFailed(
        notification_id=notification.id,
        rung=notification.rung,
        person_id=notification.person_id,
        method=notification.method,
        kind=notification.kind,
        attempt_count=notification.attempt_count,
        permanent=isinstance(outcome, PermanentFailure),
        reason=outcome.reason,
    )
