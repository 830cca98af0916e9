"""What follows when an attempt to tell somebody ends: retry, next method, or next rung now."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core.effects import (
    Effect,
    Hurry,
    MethodFailed,
    MethodSent,
    MethodUnconfirmed,
    Notify,
    PersonUnreachable,
    PullForward,
    Retry,
    Stale,
    Unpageable,
    UnpageableReason,
)
from tocsin.oncall.core.fence import silenced
from tocsin.oncall.core.inputs import (
    AttemptEnded,
    InputKind,
    PermanentFailure,
    Sent,
    TransientFailure,
    Unconfirmed,
)
from tocsin.oncall.core.ladder import Missing, Reach, quiet_until
from tocsin.oncall.model import Notification, NotificationState, Page, TimerKind

RETRY_AFTER_S = (5, 20)
"""Seconds before the second and the third attempt; there is no fourth."""

RETRY_WAIT_MAX_S = 60
"""A provider may ask for patience, but not for more than this: the next method is waiting."""

SKIPPED_WAIT_MAX_S = 300
"""A provider that is left alone is asked again after this at the latest."""

_GIVEN_UP = (NotificationState.FAILED, NotificationState.SUPPRESSED)


def attempt_ended(
    page: Page, ended: AttemptEnded, now: datetime
) -> tuple[Page, tuple[Effect, ...]]:
    """Say what the outcome of an attempt means for its notification, its person, its page.

    Just one of MethodSent, MethodFailed and Retry is among the effects: it settles the
    notification's state, also when the page has moved on meanwhile. An attempt that was sent
    may end a second time: as failed, when a receipt says so, or as unconfirmed, when none came.
    """
    notification, outcome = ended.notification, ended.outcome
    if isinstance(outcome, Sent):
        return page, (_sent(notification),)
    stale = silenced(page, notification)
    if isinstance(outcome, Unconfirmed):
        late = (Stale(InputKind.ATTEMPT, stale),) if stale else _unconfirmed(ended, now)
        return page, late
    if stale is not None:
        return page, (_failed(notification, outcome), Stale(InputKind.ATTEMPT, stale))
    if isinstance(outcome, TransientFailure) and outcome.skipped:
        return _skipped(page, ended, outcome, now)
    retries = max(notification.attempt_count - ended.skipped_count - 1, 0)
    if isinstance(outcome, TransientFailure) and retries < len(RETRY_AFTER_S):
        wait_s = max(RETRY_AFTER_S[retries], outcome.retry_after_s or 0)
        due_at = now + timedelta(seconds=min(wait_s, RETRY_WAIT_MAX_S))
        return page, (_retry(notification, outcome.reason, due_at),)
    page, effects = _next_method(page, ended, now)
    return page, (_failed(notification, outcome), *effects)


def _skipped(
    page: Page, ended: AttemptEnded, outcome: TransientFailure, now: datetime
) -> tuple[Page, tuple[Effect, ...]]:
    """Wait until the provider is asked again: that is no try, and the next method does not wait.

    It is given up only for a method that surely reaches the person. Where that takes long and
    nobody else of the rung is being told, the next rung does not wait either.
    """
    notification, notify = ended.notification, _following(ended, now)
    if notify is not None and _is_sure(ended, notify):
        return page, (_failed(notification, outcome), notify)
    wait_s = max(RETRY_AFTER_S[0], outcome.retry_after_s or 0)
    due_at = now + timedelta(seconds=min(wait_s, SKIPPED_WAIT_MAX_S))
    retry = _retry(notification, outcome.reason, due_at)
    if notify is not None:
        return page, (retry, notify)
    if wait_s <= RETRY_WAIT_MAX_S or not _is_silent(page, ended, now):
        return page, (retry,)
    page, effects = _rung_failed(page, now)
    return page, (retry, *effects)


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
    notify = _following(ended, now)
    if notify is not None:
        return page, (notify,)
    left = [one for one in _others(ended) if one.state not in _GIVEN_UP]
    lost: tuple[Effect, ...] = ()
    if all(one.person_id != failed.person_id for one in left):
        lost = (PersonUnreachable(failed.rung, failed.person_id),)
    # A rung that was left behind may fail in peace: the present one has its own time to run.
    if failed.rung != page.rung or not all(_waits_long(one, now) for one in left):
        return page, lost
    page, effects = _rung_failed(page, now)
    return page, (*lost, *effects)


def _rung_failed(page: Page, now: datetime) -> tuple[Page, tuple[Effect, ...]]:
    """Call the next rung now; after the last one, say that nobody is reached."""
    if not page.is_open:
        return page, ()  # it waits for its hours: the next rung is not urgent
    if page.catch:
        return alarm(page, UnpageableReason.ALL_FAILED)
    return page, (PullForward(TimerKind.STEP, now, page.epoch),)


def _is_silent(page: Page, ended: AttemptEnded, now: datetime) -> bool:
    """Say whether nobody of the rung was told, nor will be soon."""
    return ended.notification.rung == page.rung and all(
        one.state in _GIVEN_UP or _waits_long(one, now) for one in _others(ended)
    )


def _waits_long(one: Notification, now: datetime) -> bool:
    """Say whether a message waits for a provider that is left alone for longer than any retry."""
    if one.state is not NotificationState.QUEUED or one.again_at is None:
        return False
    return one.again_at - now > timedelta(seconds=RETRY_WAIT_MAX_S)


def _is_sure(ended: AttemptEnded, notify: Notify | Hurry) -> bool:
    """Say whether an order tells the person by a method that is proved to reach them."""
    if ended.sure is None:
        return True
    if isinstance(notify, Notify):
        return notify.method in ended.sure
    waiting = (one for one in ended.siblings if one.id == notify.notification_id)
    return any(one.method in ended.sure for one in waiting)


def _others(ended: AttemptEnded) -> list[Notification]:
    return [one for one in ended.siblings if one.id != ended.notification.id]


def _following(ended: AttemptEnded, now: datetime) -> Notify | Hurry | None:
    """Return the order to take the person's next method; None: there is none.

    What their rules would tell later is told now; after the last rule comes what is left. None
    also where a later method was taken already: its own failure brings the next one.
    """
    failed = ended.notification
    sooner = _next_rule(failed, ended.siblings)
    if sooner is not None:
        return Hurry(sooner.id, _free_at(ended, now))
    if _is_followed(ended):
        return None
    method = _untried(ended)
    if method is None:
        return None
    return Notify(
        rung=failed.rung,
        person_id=failed.person_id,
        rule=failed.rule,
        method=method,
        kind=ended.methods[method],
        urgency=failed.urgency,
    )


def _unconfirmed(ended: AttemptEnded, now: datetime) -> tuple[Effect, ...]:
    """Go on to the next method; as it may have arrived, nobody is given up for it."""
    notification, notify = ended.notification, _following(ended, now)
    fact = MethodUnconfirmed(
        notification_id=notification.id,
        rung=notification.rung,
        person_id=notification.person_id,
        method=notification.method,
        kind=notification.kind,
        attempt_count=notification.attempt_count,
    )
    return (fact,) if notify is None else (fact, notify)


def _next_rule(failed: Notification, siblings: Sequence[Notification]) -> Notification | None:
    """Return what the person's own rules have still waiting, soonest first."""
    waiting = [
        one
        for one in siblings
        if one.person_id == failed.person_id
        and one.rule > failed.rule
        and one.state is NotificationState.QUEUED
        and not one.attempt_count
        and one.due_at is not None
    ]
    return min(waiting, key=lambda one: one.rule, default=None)


def _is_followed(ended: AttemptEnded) -> bool:
    """Say whether a method that was taken after this one has told the person, or still may."""

    def place(one: Notification) -> tuple[int, bool, int]:
        chain = ended.notify.chain(one.urgency)
        named = chain[one.rule].method if one.rule < len(chain) else one.method
        return (one.rule, one.method != named, one.method)

    failed = ended.notification
    return any(
        one.person_id == failed.person_id
        and one.state not in _GIVEN_UP
        and place(one) > place(failed)
        for one in _others(ended)
    )


def _untried(ended: AttemptEnded) -> int | None:
    """Return the method of the person that this rung has not tried yet; None: there is none.

    Who has rules has chosen: what they do not name is tried last, and only for what is urgent.
    """
    failed = ended.notification
    chosen = ended.notify.high if failed.urgency is Urgency.HIGH else ended.notify.low
    if chosen and failed.urgency is Urgency.LOW:
        return None
    used = {one.method for one in ended.siblings if one.person_id == failed.person_id}
    used |= {failed.method, *(rule.method for rule in chosen)}
    return next((at for at in range(len(ended.methods)) if at not in used), None)


def _free_at(ended: AttemptEnded, now: datetime) -> datetime:
    """Return from when on the person may be told; a rule that quiet hours held back stays so."""
    if ended.notification.urgency is Urgency.HIGH:
        return now
    reach = Reach(ended.notification.person_id, ended.methods, ended.notify)
    return quiet_until(reach, now) or now


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
