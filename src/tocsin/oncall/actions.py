"""What people, flows and timers can ask of on-call: open, step, acknowledge, resolve, watch."""

import re
from typing import assert_never

from msgspec import Struct

from tocsin.kernel import jobs as job_rows
from tocsin.kernel.ids import IncidentId, NotificationId, PageId, PersonId, uuid7
from tocsin.kernel.jobs import Job
from tocsin.kernel.unit import Unit
from tocsin.oncall import events, ports, store
from tocsin.oncall.core import effects, inputs
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.fence import fenced
from tocsin.oncall.core.page import due_timer, is_in_hand, new_page, step
from tocsin.oncall.core.telling import tell
from tocsin.oncall.model import (
    Brief,
    Method,
    Notification,
    NotificationState,
    Page,
    PageState,
    Policy,
    TimerKind,
)

# a provider's answer may quote the address; the log keeps no personal data
_ADDRESS = re.compile(r"[^\s<>@]+@[^\s<>@]+")
REASON_MAX = 300


class PageTimer(Job, frozen=True, tag="oncall.page_timer"):
    """What a page waits for is due."""

    page_id: PageId
    epoch: int
    timer: TimerKind


class Deliver(Job, frozen=True, tag="oncall.deliver"):
    """A message waits to be sent."""

    notification_id: NotificationId


class CallLastResort(Job, frozen=True, tag="oncall.call_last_resort"):
    """A page reaches nobody: tell the static contacts."""

    page_id: PageId
    epoch: int
    reason: str


class Claim(Struct, frozen=True, kw_only=True):
    """One attempt about to be made: the page and brief as they are, and by what method."""

    page: Page
    notification: Notification
    brief: Brief
    method: Method | None  # None: the person or the method is gone


async def call(unit: Unit, incident_id: IncidentId, policy: str, brief: Brief) -> None:
    """See to it that somebody is being called for an incident, or has it in hand.

    A page that still looks for somebody, or that somebody has taken, stays as it is. One that
    is over, or whose acknowledgement nobody will ask about any more, begins again.
    """
    unit.require("page:open")
    pages = await store.pages_of_for_update(unit.conn, incident_id)
    directory = unit.config(Directory)
    if not pages:
        await _open(unit, incident_id, directory.policy(policy), brief)
    elif not any(is_in_hand(page) for page in pages):
        ladder = directory.ladder(pages[-1].policy_id, unit.now)
        await _step(unit, pages[-1], inputs.Retrigger(ladder))


async def _open(unit: Unit, incident_id: IncidentId, policy: Policy, brief: Brief) -> None:
    page = new_page(
        page_id=PageId(uuid7()), incident_id=incident_id, policy_id=policy.id, now=unit.now
    )
    await store.add_page(unit.conn, page, brief)
    unit.record(
        events.PageOpened(
            page_id=page.id, incident_id=incident_id, policy_id=policy.id, policy=policy.name
        )
    )
    ladder = unit.config(Directory).ladder(policy.id, unit.now)
    await _step(unit, page, inputs.Trigger(ladder))


async def resolve_pages(unit: Unit, incident_id: IncidentId) -> None:
    """Close every page of an incident that is over."""
    unit.require("page:resolve")
    for page in await store.pages_of_for_update(unit.conn, incident_id):
        if page.state is not PageState.RESOLVED:
            await _step(unit, page, inputs.Resolve())


async def acknowledge(unit: Unit, page_id: PageId, *, channel: str) -> Page:
    """Take a page: nothing older is sent any more. Too late or twice changes nothing."""
    unit.require("page:acknowledge")
    return await _acknowledge(unit, await store.page_for_update(unit.conn, page_id), channel)


async def acknowledge_incident(
    unit: Unit, incident_id: IncidentId, *, channel: str
) -> list[Page]:
    """Take all pages of an incident that are not over."""
    unit.require("page:acknowledge")
    pages = await store.pages_of_for_update(unit.conn, incident_id)
    return [await _acknowledge(unit, page, channel) for page in pages]


async def _acknowledge(unit: Unit, page: Page, channel: str) -> Page:
    by = PersonId(unit.actor.person_id) if unit.actor.person_id else None
    policy = unit.config(Directory).policy_by_id(page.policy_id)
    happened = inputs.Acknowledge(by, policy.ack_timeout_s)
    return await _step(unit, page, happened, channel=channel)


async def timer_is_due(unit: Unit, job: PageTimer) -> None:
    """Do what a page has been waiting for, unless it has moved on."""
    unit.require("page:step")
    page = await store.page_for_update(unit.conn, job.page_id)
    ladder = unit.config(Directory).ladder(page.policy_id, unit.now)
    match job.timer:
        case TimerKind.STEP:
            await _step(unit, page, inputs.StepDue(job.epoch, ladder))
        case TimerKind.CATCH:
            await _step(unit, page, inputs.CatchDue(job.epoch, ladder))
        case TimerKind.ACK_TIMEOUT:
            await _step(unit, page, inputs.AckExpired(job.epoch, ladder))
        case _:
            assert_never(job.timer)


async def claim(unit: Unit, notification_id: NotificationId) -> Claim | None:
    """Open the next attempt of a message; None when it must not be sent any more.

    The page's row lock makes this check and an acknowledgement happen one after the other.
    """
    unit.require("page:step")
    notification = await store.notification(unit.conn, notification_id)
    page = await store.page_for_update(unit.conn, notification.page_id)
    notification = await store.notification(unit.conn, notification_id)
    stale = fenced(page, notification.epoch)
    if stale is not None or notification.state not in (
        NotificationState.QUEUED,
        NotificationState.SENDING,
    ):
        await _suppress(unit, page, notification, stale or notification.state)
        return None
    await store.begin_attempt(unit.conn, notification.id, unit.now)
    notification = await store.notification(unit.conn, notification_id)
    person = unit.config(Directory).people.get(notification.person_id)
    methods = person.methods if person and person.active else ()
    usable = (
        notification.method < len(methods)
        and methods[notification.method].kind is notification.kind
    )
    return Claim(
        page=page,
        notification=notification,
        brief=await store.brief(unit.conn, page.id),
        method=methods[notification.method] if usable else None,
    )


async def _suppress(unit: Unit, page: Page, notification: Notification, reason: str) -> None:
    if notification.state in (NotificationState.QUEUED, NotificationState.SENDING):
        await store.set_notification(unit.conn, notification.id, NotificationState.SUPPRESSED)
        unit.record(
            events.NotificationSuppressed(
                page_id=page.id,
                incident_id=page.incident_id,
                notification_id=notification.id,
                person_id=notification.person_id,
                method=notification.kind,
                reason=reason,
            )
        )


async def attempt_ended(
    unit: Unit, notification: Notification, outcome: ports.Outcome
) -> effects.Retry | None:
    """Record how an attempt ended and do what follows; a Retry says when the next one is due."""
    unit.require("page:step")
    page = await store.page_for_update(unit.conn, notification.page_id)
    await _end_attempt(unit, notification, outcome)
    person = unit.config(Directory).people.get(notification.person_id)
    happened = inputs.AttemptEnded(
        notification=notification,
        outcome=_as_input(outcome),
        siblings=await store.siblings(unit.conn, page.id, notification.rung),
        methods=tuple(m.kind for m in person.methods) if person and person.active else (),
    )
    after, found = step(page, happened, unit.now)
    await _apply(unit, page, after, found, channel="")
    return next((one for one in found if isinstance(one, effects.Retry)), None)


async def _end_attempt(unit: Unit, notification: Notification, outcome: ports.Outcome) -> None:
    word, provider_id, error = "sent", "", ""
    match outcome:
        case ports.Sent(id_):
            provider_id = id_
        case ports.TransientFailure(reason):
            word, error = "transient", reason
        case ports.PermanentFailure(reason):
            word, error = "permanent", reason
    await store.end_attempt(
        unit.conn,
        notification.id,
        notification.attempt_count,
        now=unit.now,
        outcome=word,
        provider_id=provider_id,
        error=error,
    )


def _as_input(outcome: ports.Outcome) -> inputs.Outcome:
    match outcome:
        case ports.Sent():
            return inputs.Sent()
        case ports.TransientFailure(reason, retry_after_s):
            return inputs.TransientFailure(_impersonal(reason), retry_after_s)
        case ports.PermanentFailure(reason):
            return inputs.PermanentFailure(_impersonal(reason))


def _impersonal(reason: str) -> str:
    return _ADDRESS.sub("…", reason)[:REASON_MAX]


async def watch(unit: Unit) -> list[PageId]:
    """Find pages that nothing would ever wake (invariant I1) and set them going again.

    Returns the open ones, which nothing but a bug can leave like that. An acknowledged page
    lacks its timer also when its policy has only now been given an acknowledgement timeout.
    """
    unit.require("page:watch")
    directory = unit.config(Directory)
    waiting = [
        page
        for page in await store.watched_pages(unit.conn)
        if due_timer(page, directory.policy_by_id(page.policy_id), unit.now)
    ]
    alive = await job_rows.witnessed(unit.conn, [(page.id, page.epoch) for page in waiting])
    restored = []
    for suspect in waiting:
        if suspect.id in alive:
            continue
        page = await store.page_for_update(unit.conn, suspect.id)
        timer = due_timer(page, directory.policy_by_id(page.policy_id), unit.now)
        if timer is None or await job_rows.witnessed(unit.conn, [(page.id, page.epoch)]):
            continue  # it moved on between the look and the lock
        _set_timer(unit, page, timer)
        if page.is_open:
            unit.record(events.WitnessRestored(page_id=page.id, incident_id=page.incident_id))
            restored.append(page.id)
    return restored


async def last_resort_is_due(unit: Unit, job: CallLastResort) -> bool:
    """Say whether the static contacts must still be told; False once somebody has the page."""
    unit.require("page:step")
    page = await store.page_for_update(unit.conn, job.page_id)
    return fenced(page, job.epoch) is None


async def last_resort_called(unit: Unit, page_id: PageId, *, told: int, failed: int) -> bool:
    """Record how many static contacts were told; False: none was, and somebody must be."""
    unit.require("page:step")
    page = await store.page_for_update(unit.conn, page_id)
    unit.record(
        events.LastResortCalled(
            page_id=page.id, incident_id=page.incident_id, told_count=told, failed_count=failed
        )
    )
    return bool(told or not failed or not page.is_open)


async def _step(unit: Unit, page: Page, happened: inputs.Input, *, channel: str = "") -> Page:
    after, found = step(page, happened, unit.now)
    await _apply(unit, page, after, found, channel=channel)
    return after


async def _apply(  # noqa: C901, PLR0912 - one case an order
    unit: Unit, before: Page, page: Page, found: tuple[effects.Effect, ...], *, channel: str
) -> None:
    if page != before:
        await store.save_page(unit.conn, page)
    for effect in found:
        match effect:
            case effects.Notify():
                await _notify(unit, page, effect)
            case effects.SetTimer():
                _set_timer(unit, page, effect)
            case effects.PullForward(kind, due_at, epoch):
                await job_rows.pull_forward(unit.conn, _timer_key(page, kind, epoch), due_at)
            case effects.Retry() | effects.MethodSent() | effects.MethodFailed():
                await _settle(unit, page, effect)
            case _:
                event = tell(page, effect, channel)
                if event is not None:
                    unit.record(event)
                if isinstance(effect, effects.Unpageable):
                    job = CallLastResort(
                        page_id=page.id, epoch=page.epoch, reason=effect.reason
                    )
                    unit.defer(job, subject=page.id, epoch=page.epoch)


async def _notify(unit: Unit, page: Page, order: effects.Notify) -> None:
    notification = Notification(
        id=NotificationId(uuid7()),
        page_id=page.id,
        epoch=order.rung.epoch,
        loop=order.rung.loop,
        step=order.rung.step,
        catch=order.rung.catch,
        person_id=order.person_id,
        rule=order.rule,
        method=order.method,
        kind=order.kind,
        queued_at=unit.now,
    )
    if await store.add_notification(unit.conn, notification):
        unit.defer(
            Deliver(notification_id=notification.id), subject=page.id, epoch=notification.epoch
        )


def _timer_key(page: Page, kind: TimerKind, epoch: int) -> str:
    return f"page:{page.id}:{epoch}:{kind}"


def _set_timer(unit: Unit, page: Page, timer: effects.SetTimer) -> None:
    unit.defer(
        PageTimer(page_id=page.id, epoch=timer.epoch, timer=timer.kind),
        at=timer.due_at,
        subject=page.id,
        epoch=timer.epoch,
        key=_timer_key(page, timer.kind, timer.epoch),
    )


async def _settle(
    unit: Unit,
    page: Page,
    effect: effects.Retry | effects.MethodSent | effects.MethodFailed,
) -> None:
    state = NotificationState.QUEUED
    if isinstance(effect, effects.MethodSent):
        state = NotificationState.SENT
    elif isinstance(effect, effects.MethodFailed):
        state = NotificationState.FAILED
    await store.set_notification(unit.conn, effect.notification_id, state)
    event = tell(page, effect, "")
    if event is not None:
        unit.record(event)
