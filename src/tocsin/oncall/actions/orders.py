"""The jobs that pages leave behind: timers that wake them, messages to send."""

from tocsin.kernel.ids import NotificationId, PageId
from tocsin.kernel.jobs import Job
from tocsin.oncall.model import TimerKind


class PageTimer(Job, frozen=True, tag="oncall.page_timer"):
    """What a page waits for is due."""

    page_id: PageId
    epoch: int
    timer: TimerKind


class Deliver(Job, frozen=True, tag="oncall.deliver"):
    """A message waits to be sent."""

    notification_id: NotificationId


class ReceiptDue(Job, frozen=True, tag="oncall.receipt_due"):
    """By now somebody should have confirmed that an attempt arrived."""

    notification_id: NotificationId
    attempt: int


class UpdateMessages(Job, frozen=True, tag="oncall.update_messages"):
    """Messages of a page are to say how it stands by now."""

    page_id: PageId


class TellUrl(Job, frozen=True, tag="oncall.tell_url"):
    """The webhook that is a target of a step is to be told."""

    page_id: PageId
    epoch: int
    loop: int
    step: int
    catch: int
    target: int


class CallLastResort(Job, frozen=True, tag="oncall.call_last_resort"):
    """A page reaches nobody: tell the static contacts."""

    page_id: PageId
    epoch: int
    reason: str
