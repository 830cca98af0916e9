"""What an epoch fences off: asked before anything is sent and before anything climbs."""

from tocsin.oncall.core.effects import StaleReason
from tocsin.oncall.model import Page, PageState


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


def fenced(page: Page, epoch: int) -> StaleReason | None:
    """Say why a timer or notification of `epoch` is void; None: it is not.

    Ask under the page's row lock, in the transaction that claims.
    """
    reason = closed(page)
    if reason is None and epoch != page.epoch:
        reason = StaleReason.OLDER_EPOCH
    return reason
