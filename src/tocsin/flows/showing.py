"""What was sent says how its page stands: messages in chats are changed when somebody answers."""

import tocsin.oncall.actions as oncall
from tocsin.kernel.reactions import Reactions, may, must
from tocsin.kernel.unit import Unit
from tocsin.oncall.events import (
    AcknowledgementExpired,
    EscalationAsked,
    NotificationSent,
    PageAcknowledged,
    PageAcknowledgedByToken,
    PageHandedBack,
    PageReassigned,
    PageResolved,
    PageRetriggered,
    PageSnoozed,
    SnoozeEnded,
)

MovedEvent = (
    AcknowledgementExpired | EscalationAsked | PageAcknowledged | PageAcknowledgedByToken
    | PageHandedBack | PageReassigned | PageResolved | PageRetriggered | PageSnoozed
    | SnoozeEnded
)  # fmt: skip


async def update_messages(unit: Unit, event: MovedEvent) -> None:
    """Messages of a page say who has it, where messages can be changed."""
    await oncall.update_messages(unit, event.page_id)


async def update_late_message(unit: Unit, event: NotificationSent) -> None:
    """A message that left while somebody answered says so as well."""
    await oncall.update_messages(unit, event.page_id, event.method)


_MOVED = (may(update_messages),)
REACTIONS: Reactions = {
    AcknowledgementExpired: _MOVED,
    EscalationAsked: _MOVED,
    PageAcknowledged: _MOVED,
    PageAcknowledgedByToken: _MOVED,
    PageHandedBack: _MOVED,
    PageReassigned: _MOVED,
    PageResolved: _MOVED,
    PageRetriggered: _MOVED,
    PageSnoozed: _MOVED,
    SnoozeEnded: _MOVED,
    NotificationSent: (must(update_late_message),),
}
