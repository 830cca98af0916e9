"""What a worker asks around each attempt: claim it, record how it ended."""

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.ids import NotificationId, PageId
from tocsin.kernel.unit import Unit
from tocsin.oncall import events, ports, store
from tocsin.oncall.actions.following import follow
from tocsin.oncall.actions.receipts import expect
from tocsin.oncall.core import bundling, effects, inputs
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.contacts import impersonal
from tocsin.oncall.core.fence import silenced
from tocsin.oncall.model import Brief, Method, MethodKind, Notification, NotificationState, Page

REASON_MAX = 300
NO_RECEIPTS = frozenset(
    {MethodKind.EMAIL, MethodKind.WEBHOOK, MethodKind.INBOX, MethodKind.APPRISE}
)
"""Nobody ever tells what became of a message that one of these has taken."""


class Claim(Struct, frozen=True, kw_only=True):
    """One attempt about to be made: the page and brief as they are, and by what method.

    `others` leave with it as one message, each with an attempt of its own.
    """

    page: Page
    notification: Notification
    brief: Brief
    method: Method | None  # None: the person or the method is gone
    others: tuple["Claim", ...] = ()


class Gathering(Struct, frozen=True):
    """The message waits until then for others to the same phone."""

    until: datetime


async def claim(unit: Unit, notification_id: NotificationId) -> Claim | Gathering | None:
    """Open the next attempt of a message; None when it must not be sent any more.

    The page's row lock makes this check and an acknowledgement happen one after the other.
    What rings a phone first takes the phone's own lock: see `core/bundling.py`.
    """
    unit.require("page:step")
    notification = await store.notification(unit.conn, notification_id)
    if notification.kind in bundling.RINGS:
        return await _ring(unit, notification)
    page, brief = await store.page_and_brief_for_update(unit.conn, notification.page_id)
    return await _open(unit, page, notification, brief)


async def _ring(unit: Unit, found: Notification) -> Claim | Gathering | None:
    await store.lock_phone(unit.conn, found.person_id, found.method)
    mine = await store.notification(unit.conn, found.id)
    if mine.bundle is not None and mine.bundle != mine.id:
        return None  # it left with another one, whose job delivers it
    decision: bundling.Decision = bundling.Leave()
    told = await store.told_since(unit.conn, mine, unit.now - bundling.WINDOW)
    if mine.state is NotificationState.QUEUED:
        decision = bundling.decide(mine, told, unit.now)
    if isinstance(decision, bundling.Gather):
        await store.gather(unit.conn, mine.id, decision.until)
        return Gathering(decision.until)
    others = await store.leaving_with(unit.conn, mine, bundling.BUNDLE_MAX - 1)
    pages = await store.pages_for_update(
        unit.conn, [mine.page_id, *(one.page_id for one in others)]
    )
    if isinstance(decision, bundling.Fold):
        await _fold(unit, pages[mine.page_id], mine)
        return None
    await store.set_bundle(unit.conn, [one.id for one in others], mine.id)
    others = [replace(one, bundle=mine.id) for one in others]
    ready: dict[PageId, Claim] = {}
    # in the order in which they came, whichever of them leads: tried again it reads the same
    for one in sorted((mine, *others), key=lambda one: (one.queued_at, one.id)):
        page = pages[one.page_id]
        # another chain of its page has told the same phone, or does so with this very message
        is_told = isinstance(bundling.decide(one, told, unit.now), bundling.Fold)
        if page.id in ready or (one is not mine and is_told):
            await _fold(unit, page, one)
            continue
        opened = await _open(unit, page, one, await store.brief(unit.conn, page.id))
        if opened is not None:
            ready[page.id] = opened
    first, *rest = ready.values() or [None]
    return replace(first, others=tuple(one for one in rest if one)) if first else None


async def _open(
    unit: Unit, page: Page, notification: Notification, brief: Brief
) -> Claim | None:
    """Open an attempt under the page's lock; None where it must not be sent.

    The message may have been read before the lock: what cannot have changed since counts, and
    its state is asked again.
    """
    stale = silenced(page, notification)
    if stale is not None:
        mine = await store.notification(unit.conn, notification.id)
        await _suppress(unit, page, mine, stale)
        return None
    is_again = notification.attempt_count and notification.state is NotificationState.QUEUED
    if is_again and await store.is_overtaken(unit.conn, notification.id):
        # given up, not folded: nobody was told, should the later one fail too
        await _suppress(unit, page, notification, "called_again_meanwhile")
        return None
    number = await store.begin_attempt(unit.conn, notification.id, unit.now)
    if number is None:
        return None
    notification = replace(
        notification, state=NotificationState.SENDING, attempt_count=number, tried_at=unit.now
    )
    person = unit.config(Directory).people.get(notification.person_id)
    methods = person.methods if person and person.active else ()
    # an index may have shifted since it was queued
    at = notification.method
    same = [one for one in (*methods[at : at + 1], *methods) if one.kind is notification.kind]
    return Claim(
        page=page,
        notification=notification,
        brief=brief,
        method=same[0] if same else None,
    )


async def _fold(unit: Unit, page: Page, notification: Notification) -> None:
    await store.set_notification(unit.conn, notification.id, NotificationState.FOLDED)
    _tell_unsent(unit, page, notification, "told_a_moment_ago")


async def _suppress(unit: Unit, page: Page, notification: Notification, reason: str) -> None:
    if notification.state in (NotificationState.QUEUED, NotificationState.SENDING):
        await store.set_notification(unit.conn, notification.id, NotificationState.SUPPRESSED)
        _tell_unsent(unit, page, notification, reason)


def _tell_unsent(unit: Unit, page: Page, notification: Notification, reason: str) -> None:
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
    retry = await follow(unit, page, notification, _as_input(outcome))
    if isinstance(outcome, ports.Sent) and notification.kind not in NO_RECEIPTS:
        await expect(unit, notification, outcome)
    return retry


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
        case ports.TransientFailure(reason, retry_after_s, skipped):
            said = impersonal(reason, REASON_MAX)
            return inputs.TransientFailure(said, retry_after_s, skipped)
        case ports.PermanentFailure(reason):
            return inputs.PermanentFailure(impersonal(reason, REASON_MAX))
