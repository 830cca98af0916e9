"""What providers tell of attempts that they took, and what follows when they tell nothing."""

from datetime import datetime, timedelta

from msgspec import Struct

from tocsin.kernel.errors import NotFound
from tocsin.kernel.ids import NotificationId
from tocsin.kernel.unit import Unit
from tocsin.oncall import events, ports, store
from tocsin.oncall.actions.following import follow
from tocsin.oncall.actions.noting import address_of, note
from tocsin.oncall.actions.orders import ReceiptDue
from tocsin.oncall.core import inputs
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.contacts import impersonal
from tocsin.oncall.core.receipt import (
    ReceiptKind,
    Trail,
    has_just_failed,
    is_confirmed,
    learn,
)
from tocsin.oncall.model import Notification, NotificationState, Page

REASON_MAX = 300


class Receipt(Struct, frozen=True, kw_only=True):
    """What became of one attempt, as somebody says who should know; `reason` is for people."""

    notification_id: NotificationId
    attempt: int
    kind: ReceiptKind
    reason: str = ""


async def receive(unit: Unit, receipt: Receipt) -> None:
    """Keep a receipt; what did not arrive is followed by the next method now.

    Receipts may come in any order, twice, and before we know ourselves that it was sent. What
    left as one message has one receipt. Raises NotFound for an attempt that was never made.
    """
    unit.require("page:step")
    found = await store.left_together(unit.conn, receipt.notification_id)
    if receipt.notification_id not in found:
        raise NotFound("there is no such attempt")
    for notification_id in found:
        page, notification = await _locked(unit, notification_id)
        number = receipt.attempt
        if notification_id != receipt.notification_id:
            number = notification.attempt_count
        if not number:
            continue  # it was fenced off or folded before the message left
        await _keep(unit, page, notification, number, receipt)


async def _keep(
    unit: Unit, page: Page, notification: Notification, number: int, receipt: Receipt
) -> None:
    before = await store.trail(unit.conn, notification.id, number)
    if before is None:
        raise NotFound("there is no such attempt")
    after = learn(before, receipt.kind, unit.now)
    if after == before:
        return
    reason = impersonal(receipt.reason, REASON_MAX)
    await store.save_trail(unit.conn, notification.id, number, after, reason)
    arrives = is_confirmed(after) and not is_confirmed(before)
    fails = has_just_failed(before, after)
    if arrives:
        _tell_arrived(unit, page, notification, number)
    if fails and number == notification.attempt_count and _is_sent(notification):
        await follow(unit, page, notification, inputs.PermanentFailure(reason))
    if arrives or fails:
        await _note_address(unit, notification, reason, arrives=arrives)


async def _note_address(
    unit: Unit, notification: Notification, reason: str, *, arrives: bool
) -> None:
    """Keep what the receipt says of the address itself."""
    person = unit.config(Directory).people.get(notification.person_id)
    methods = person.methods if person else ()
    if notification.method >= len(methods):
        return
    address = address_of(notification.person_id, methods[notification.method])
    if arrives:
        await store.note_received(unit.conn, address.person_id, address.fingerprint, unit.now)
    else:
        await note(unit.conn, address, ports.PermanentFailure(reason), unit.now)


async def expect(unit: Unit, notification: Notification, outcome: ports.Sent) -> None:
    """Wait for the receipt of an attempt that a provider has just taken, if it promised one.

    It may have come already, while the provider's answer was on its way to us.
    """
    unit.require("page:step")
    number = notification.attempt_count
    trail = await store.trail(unit.conn, notification.id, number)
    if trail is None or is_confirmed(trail):
        return
    if trail.failed_at is not None:
        page, sent = await _locked(unit, notification.id)
        await follow(unit, page, sent, inputs.PermanentFailure(_lost(trail)))
    elif outcome.receipt_within_s is not None:
        job = ReceiptDue(notification_id=notification.id, attempt=number)
        unit.defer(job, at=unit.now + timedelta(seconds=outcome.receipt_within_s))


async def receipt_is_due(unit: Unit, job: ReceiptDue) -> None:
    """Go on to the person's next method where nothing confirms that an attempt arrived."""
    unit.require("page:step")
    page, notification = await _locked(unit, job.notification_id)
    trail = await store.trail(unit.conn, notification.id, job.attempt)
    is_open = trail is not None and not is_confirmed(trail) and trail.failed_at is None
    if is_open and job.attempt == notification.attempt_count and _is_sent(notification):
        await follow(unit, page, notification, inputs.Unconfirmed())


async def _locked(unit: Unit, notification_id: NotificationId) -> tuple[Page, Notification]:
    """Lock a message's page, and read the message under that lock. Raises NotFound."""
    found = await store.notification(unit.conn, notification_id)
    page = await store.page_for_update(unit.conn, found.page_id)
    return page, await store.notification(unit.conn, notification_id)


def _is_sent(notification: Notification) -> bool:
    return notification.state is NotificationState.SENT


def _lost(trail: Trail) -> str:
    return f"reported lost at {trail.failed_at:%H:%M:%S} UTC"


def _tell_arrived(unit: Unit, page: Page, notification: Notification, attempt: int) -> None:
    unit.record(
        events.NotificationDelivered(
            page_id=page.id, incident_id=page.incident_id, notification_id=notification.id,
            person_id=notification.person_id, method=notification.kind, attempt=attempt,
        )
    )  # fmt: skip


async def unconfirmed_calls(unit: Unit, since: datetime, limit: int) -> list[store.Unasked]:
    """Return the attempts by telephone, queued since then, of which nobody has told anything."""
    unit.require("page:step")
    return await store.unconfirmed(unit.conn, since, limit)
