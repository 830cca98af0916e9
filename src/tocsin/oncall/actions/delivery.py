"""What a worker asks around each attempt: claim it, record how it ended."""

from msgspec import Struct

from tocsin.kernel.ids import NotificationId
from tocsin.kernel.unit import Unit
from tocsin.oncall import events, ports, store
from tocsin.oncall.actions.stepping import carry_out
from tocsin.oncall.core import effects, inputs
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.contacts import impersonal
from tocsin.oncall.core.fence import fenced
from tocsin.oncall.core.page import step
from tocsin.oncall.model import Brief, Method, Notification, NotificationState, Page

REASON_MAX = 300


class Claim(Struct, frozen=True, kw_only=True):
    """One attempt about to be made: the page and brief as they are, and by what method."""

    page: Page
    notification: Notification
    brief: Brief
    method: Method | None  # None: the person or the method is gone


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
    unit: Unit, notification: Notification, outcome: ports.Outcome, show: str = ""
) -> effects.Retry | None:
    """Record how an attempt ended and do what follows; a Retry says when the next one is due.

    `show` is how much of the text left.
    """
    unit.require("page:step")
    page = await store.page_for_update(unit.conn, notification.page_id)
    await _end_attempt(unit, notification, outcome, show)
    person = unit.config(Directory).people.get(notification.person_id)
    happened = inputs.AttemptEnded(
        notification=notification,
        outcome=_as_input(outcome),
        siblings=await store.siblings(unit.conn, page.id, notification.rung),
        methods=tuple(m.kind for m in person.methods) if person and person.active else (),
    )
    after, found = step(page, happened, unit.now)
    await carry_out(found, unit, before=page, page=after)
    return next((one for one in found if isinstance(one, effects.Retry)), None)


async def _end_attempt(
    unit: Unit, notification: Notification, outcome: ports.Outcome, show: str
) -> None:
    word, provider_id, error = ports.spelled(outcome)
    await store.end_attempt(
        unit.conn,
        notification.id,
        notification.attempt_count,
        now=unit.now,
        outcome=word,
        provider_id=provider_id,
        error=error,
        show=show,
    )


def _as_input(outcome: ports.Outcome) -> inputs.Outcome:
    match outcome:
        case ports.Sent():
            return inputs.Sent()
        case ports.TransientFailure(reason, retry_after_s):
            return inputs.TransientFailure(impersonal(reason, REASON_MAX), retry_after_s)
        case ports.PermanentFailure(reason):
            return inputs.PermanentFailure(impersonal(reason, REASON_MAX))
