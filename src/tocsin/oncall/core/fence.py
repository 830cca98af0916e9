"""What an epoch fences off: asked before anything is sent and before anything climbs."""

from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core.effects import StaleReason
from tocsin.oncall.model import Notification, Page, PageState


def closed(page: Page) -> StaleReason | None:
    """Say why nobody may be called for this page; None: it is open."""
    if page.state is PageState.RESOLVED:
        return StaleReason.RESOLVED
    if page.state is PageState.ACKNOWLEDGED:
        return StaleReason.ACKNOWLEDGED
    if page.state is PageState.SNOOZED:
        return StaleReason.SNOOZED
    if page.state is PageState.HELD:
        return StaleReason.HELD
    return None


def silenced(page: Page, notification: Notification) -> StaleReason | None:
    """Say why a message must not be sent any more; None: it must.

    What was called with high urgency goes on while its page waits to call the next step with
    low urgency. Ask under the page's row lock, in the transaction that claims.
    """
    reason = fenced(page, notification.epoch)
    is_urgent = notification.urgency is Urgency.HIGH and notification.epoch == page.epoch
    return None if reason is StaleReason.HELD and is_urgent else reason


def fenced(page: Page, epoch: int) -> StaleReason | None:
    """Say why a timer of `epoch` is void; None: it is not.

    Ask under the page's row lock, in the transaction that claims.
    """
    reason = closed(page)
    if reason is None and epoch != page.epoch:
        reason = StaleReason.OLDER_EPOCH
    return reason
