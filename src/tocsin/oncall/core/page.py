"""The page machine as one pure step: page, input, instant -> page, effects.

Whoever calls it holds the page's row lock and commits page and effects together.
"""

from datetime import datetime, timedelta
from typing import assert_never

from msgspec.structs import replace

from tocsin.kernel.ids import IncidentId, PageId, PersonId, PolicyId
from tocsin.oncall.core import delivery
from tocsin.oncall.core.effects import (
    Acknowledged,
    AcknowledgeExpired,
    AlreadyAcknowledged,
    AlreadyResolved,
    CatchAllCalled,
    Effect,
    Escalated,
    EscalationAsked,
    LoopRestarted,
    NobodyAt,
    Notify,
    Opened,
    Resolved,
    Retriggered,
    RetriggersSpent,
    SetTimer,
    Stale,
    StaleReason,
    UnpageableReason,
)
from tocsin.oncall.core.fence import closed, fenced
from tocsin.oncall.core.inputs import (
    AckExpired,
    Acknowledge,
    AttemptEnded,
    CatchDue,
    Escalate,
    Input,
    InputKind,
    Resolve,
    Retrigger,
    StepDue,
    Trigger,
)
from tocsin.oncall.core.ladder import Ladder, Rung
from tocsin.oncall.model import Page, PageState, Policy, RungKey, TimerKind

CATCH_ALL_PATIENCE = 3
"""Calls of the catch-all that may stay unanswered before the alarm is raised."""

RETRIGGERS_MAX = 12
"""How often an acknowledgement that ran out calls people again."""

Stepped = tuple[Page, tuple[Effect, ...]]


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
    """Say whether somebody is being called, or has taken the page and will be asked again."""
    if page.state is PageState.ACKNOWLEDGED:
        return page.retriggers < RETRIGGERS_MAX
    return page.is_open


def due_timer(page: Page, policy: Policy, now: datetime) -> SetTimer | None:
    """Return the timer that a page must have, as it is set when the page has lost it."""
    if page.state is PageState.ACKNOWLEDGED:
        if policy.ack_timeout_s == 0 or not is_in_hand(page) or page.acknowledged_at is None:
            return None
        expires_at = page.acknowledged_at + timedelta(seconds=policy.ack_timeout_s)
        return SetTimer(TimerKind.ACK_TIMEOUT, max(now, expires_at), page.epoch)
    kind = witness(page)
    return None if kind is None else SetTimer(kind, now, page.epoch)


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
        case Retrigger(ladder):
            return _retrigger(page, ladder, now)
        case AttemptEnded():
            return delivery.attempt_ended(page, happened, now)
        case _:
            assert_never(happened)


def _trigger(page: Page, ladder: Ladder, now: datetime) -> Stepped:
    if page.epoch > 0:
        return _stale(page, InputKind.TRIGGER, StaleReason.TRIGGERED_BEFORE)
    page, effects = _climb(_next_epoch(page), ladder, now)
    return page, (Opened(), *effects)


def _due(page: Page, due: StepDue | CatchDue, now: datetime) -> Stepped:
    is_catch = isinstance(due, CatchDue)
    reason = fenced(page, due.epoch)
    if reason is None and is_catch != (page.catch > 0):
        reason = StaleReason.OTHER_RUNG
    if reason is not None:
        what = InputKind.CATCH_DUE if is_catch else InputKind.STEP_DUE
        return _stale(page, what, reason)
    return _climb(page, due.ladder, now)


def _ack_expired(page: Page, due: AckExpired, now: datetime) -> Stepped:
    if due.epoch != page.epoch:
        return _stale(page, InputKind.ACK_EXPIRED, StaleReason.OLDER_EPOCH)
    if page.state is not PageState.ACKNOWLEDGED:
        reason = closed(page) or StaleReason.STILL_OPEN
        return _stale(page, InputKind.ACK_EXPIRED, reason)
    by = page.acknowledged_by
    if page.retriggers >= RETRIGGERS_MAX:
        return page, (RetriggersSpent(by, page.retriggers),)
    again = replace(_from_the_start(page), retriggers=page.retriggers + 1)
    again, effects = _climb(again, due.ladder, now)
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
    page = _untaken(_next_epoch(page))
    page, effects = _climb(page, ladder, now)
    return page, (EscalationAsked(by), *effects)


def _retrigger(page: Page, ladder: Ladder, now: datetime) -> Stepped:
    if page.is_open:
        return _stale(page, InputKind.RETRIGGER, StaleReason.STILL_OPEN)
    again = replace(_from_the_start(page), retriggers=0, resolved_at=None)
    again, effects = _climb(again, ladder, now)
    return again, (Retriggered(), *effects)


def _climb(page: Page, ladder: Ladder, now: datetime) -> Stepped:
    """Call the next rung that reaches anybody: one, however late it is, never a burst."""
    if page.catch:
        return _call_catch_all(page, ladder, now)
    passed: list[Effect] = []
    loop, at = page.loop, page.step + 1
    # A round in which nobody can be reached is not walked again: it would end the same way.
    somebody = any(rung.reach for rung in ladder.rungs)
    while at < len(ladder.rungs) or (somebody and loop < ladder.repeat):
        if at >= len(ladder.rungs):
            loop, at = loop + 1, 0
            passed.append(LoopRestarted(loop, ladder.repeat))
        rung = ladder.rungs[at]
        if rung.reach:
            page, effects = _call(replace(page, loop=loop, step=at), rung, now)
            return page, (*passed, *effects)
        where = RungKey(epoch=page.epoch, loop=loop, step=at)
        passed.append(NobodyAt(where, rung.missing))
        at += 1
    page, effects = _call_catch_all(replace(page, loop=loop, step=at - 1), ladder, now)
    return page, (*passed, *effects)


def _call(page: Page, rung: Rung, now: datetime) -> Stepped:
    is_first = (page.loop, page.step) == (0, 0)
    page = replace(page, state=PageState.TRIGGERED if is_first else PageState.ESCALATING)
    next_at = now + timedelta(seconds=rung.timeout_s)
    fact = Escalated(
        rung=page.rung,
        people=tuple(reach.person_id for reach in rung.reach),
        missing=rung.missing,
        next_at=next_at,
    )
    timer = SetTimer(TimerKind.STEP, next_at, page.epoch)
    return page, (fact, *_notify(page, rung), timer)


def _call_catch_all(page: Page, ladder: Ladder, now: datetime) -> Stepped:
    page = replace(page, state=PageState.ESCALATING, catch=page.catch + 1)
    rung = ladder.catch_all
    next_at = now + timedelta(seconds=ladder.catch_every_s)
    called: Effect = NobodyAt(page.rung, rung.missing)
    if rung.reach:
        called = CatchAllCalled(
            rung=page.rung,
            people=tuple(reach.person_id for reach in rung.reach),
            missing=rung.missing,
            next_at=next_at,
        )
    page, alarm = _alarm_for(page, rung)
    timer = SetTimer(TimerKind.CATCH, next_at, page.epoch)
    return page, (called, *alarm, *_notify(page, rung), timer)


def _alarm_for(page: Page, catch_all: Rung) -> Stepped:
    if not catch_all.reach:
        return delivery.alarm(page, UnpageableReason.NOBODY_REACHABLE, catch_all.missing)
    if page.catch > CATCH_ALL_PATIENCE:
        return delivery.alarm(page, UnpageableReason.UNANSWERED)
    return page, ()


def _notify(page: Page, rung: Rung) -> tuple[Notify, ...]:
    return tuple(
        Notify(rung=page.rung, person_id=reach.person_id, method=0, kind=reach.methods[0])
        for reach in rung.reach
    )


def _next_epoch(page: Page) -> Page:
    return replace(page, epoch=page.epoch + 1, unpageable=False)


def _from_the_start(page: Page) -> Page:
    return replace(_untaken(_next_epoch(page)), step=-1, loop=0, catch=0)


def _untaken(page: Page) -> Page:
    return replace(page, acknowledged_by=None, acknowledged_at=None, acknowledged_via="")


def _stale(page: Page, what: InputKind, reason: StaleReason) -> Stepped:
    return page, (Stale(what, reason),)
