"""How a step of the page machine becomes rows, timers, messages and records, in one unit."""

from tocsin.kernel import jobs as job_rows
from tocsin.kernel.ids import NotificationId, uuid7
from tocsin.kernel.logs import Log
from tocsin.kernel.unit import Unit
from tocsin.oncall import store
from tocsin.oncall.actions.orders import CallLastResort, Deliver, PageTimer, TellUrl
from tocsin.oncall.core import effects, inputs
from tocsin.oncall.core.page import step
from tocsin.oncall.core.telling import tell
from tocsin.oncall.model import Notification, NotificationState, Page, RungKey, TimerKind

log = Log("oncall")


async def advance(page: Page, happened: inputs.Input, unit: Unit, *, channel: str = "") -> Page:
    """Let a locked page answer what has happened, and carry out all that follows."""
    after, found = step(page, happened, unit.now)
    log.debug(
        "page.stepped", page_id=page.id, because=type(happened).__name__, was=page.state,
        now=after.state, epoch=after.epoch, loop=after.loop, step=after.step, catch=after.catch,
        orders=len(found),
    )  # fmt: skip
    await carry_out(found, unit, before=page, page=after, channel=channel)
    return after


async def carry_out(  # noqa: C901, PLR0912 - one case an order
    found: tuple[effects.Effect, ...],
    unit: Unit,
    *,
    before: Page,
    page: Page,
    channel: str = "",
) -> None:
    """Write a page as `step` left it, follow its orders and record its facts."""
    if page != before:
        await store.save_page(unit.conn, page)
    for effect in found:
        match effect:
            case effects.Notify():
                await _notify(unit, page, effect)
            case effects.TellUrl(rung, target):
                _tell_url(unit, page, rung, target)
            case effects.Hurry(notification_id, due_at):
                await job_rows.pull_forward(unit.conn, deliver_key(notification_id), due_at)
            case effects.SetTimer():
                set_timer(page, effect, unit)
            case effects.PullForward(kind, due_at, epoch):
                await job_rows.pull_forward(unit.conn, timer_key(page, kind, epoch), due_at)
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
        due_at=order.due_at,
        urgency=order.urgency,
    )
    if await store.add_notification(unit.conn, notification):
        unit.defer(
            Deliver(notification_id=notification.id),
            at=order.due_at,
            subject=page.id,
            epoch=notification.epoch,
            key=deliver_key(notification.id) if order.due_at else None,
        )


def deliver_key(notification_id: NotificationId) -> str:
    """Name the job of a message that waits, so that it can be hurried."""
    return f"deliver:{notification_id}"


def _tell_url(unit: Unit, page: Page, rung: RungKey, target: int) -> None:
    unit.defer(
        TellUrl(
            page_id=page.id, epoch=rung.epoch, loop=rung.loop, step=rung.step,
            catch=rung.catch, target=target,
        )
    )  # fmt: skip


def timer_key(page: Page, kind: TimerKind, epoch: int) -> str:
    """Name the one timer of its kind and epoch that a page may have."""
    return f"page:{page.id}:{epoch}:{kind}"


def set_timer(page: Page, timer: effects.SetTimer, unit: Unit) -> None:
    """Wake a page at an instant; of one kind and epoch at most one timer waits."""
    unit.defer(
        PageTimer(page_id=page.id, epoch=timer.epoch, timer=timer.kind),
        at=timer.due_at,
        subject=page.id,
        epoch=timer.epoch,
        key=timer_key(page, timer.kind, timer.epoch),
    )


async def _settle(
    unit: Unit,
    page: Page,
    effect: effects.Retry | effects.MethodSent | effects.MethodFailed,
) -> None:
    match effect:
        case effects.Retry(notification_id=id_, due_at=due_at):
            await store.requeue(unit.conn, id_, due_at)
        case effects.MethodSent(notification_id=id_):
            await store.set_notification(unit.conn, id_, NotificationState.SENT)
        case effects.MethodFailed(notification_id=id_):
            await store.set_notification(unit.conn, id_, NotificationState.FAILED)
    event = tell(page, effect, "")
    if event is not None:
        unit.record(event)
