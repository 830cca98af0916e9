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


class CallLastResort(Job, frozen=True, tag="oncall.call_last_resort"):
    """A page reaches nobody: tell the static contacts."""

    page_id: PageId
    epoch: int
    reason: str
