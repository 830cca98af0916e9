"""Whether a message rings alone, waits a moment to leave with others, or was told already; pure.

Only methods that make a phone sound are spared: a mail or a line in a chat disturbs nobody,
and a call can speak of one page alone.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from tocsin.kernel.ids import NotificationId, PageId
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.model import MethodKind, Notification, NotificationState

WINDOW = timedelta(seconds=60)
RINGS = frozenset({MethodKind.NTFY, MethodKind.SMS, MethodKind.PUSH, MethodKind.APPRISE})
BUNDLE_MAX = 20
"""So many pages leave as one message; the next ones as another."""


class Told(Struct, frozen=True, kw_only=True):
    """What one person was told by one method lately, by which rule of theirs.

    `tried_at` is when its attempt began.
    """

    id: NotificationId
    page_id: PageId
    epoch: int
    urgency: Urgency
    state: NotificationState
    tried_at: datetime
    rule: int = 0
    is_calling: bool = True  # its page has not been answered since


class Leave(Struct, frozen=True):
    """It leaves now, with whatever waits for the same phone."""


class Gather(Struct, frozen=True):
    """It waits until `until` for others: the phone has rung a moment ago."""

    until: datetime


class Fold(Struct, frozen=True):
    """The person has just been told of the same page by the same method."""


Decision = Leave | Gather | Fold


def decide(mine: Notification, told: Sequence[Told], now: datetime) -> Decision:
    """Say what becomes of a message that would ring a phone now.

    The first rings at once, and so does the first of high urgency after those of low. What has
    waited once waits no longer than its window, and a retry waits for nobody. Two chains of rules
    that meet at one phone ring once; a step that calls the same person again is meant to.
    """
    lately = [one for one in told if now - one.tried_at < WINDOW and one.id != mine.id]
    if mine.attempt_count:
        return Leave()
    rung = (NotificationState.SENDING, NotificationState.SENT)
    if any(
        one.page_id == mine.page_id
        and one.epoch == mine.epoch
        and one.state in rung
        and (one.rule or mine.rule)
        for one in lately
    ):
        return Fold()
    if mine.bundle is not None:
        return Leave()
    others = [
        one
        for one in lately
        if one.page_id != mine.page_id and one.is_calling and one.state in rung
    ]
    rang = [one.tried_at for one in others if _is_no_less_urgent(one, mine)]
    return Gather(max(rang) + WINDOW) if rang else Leave()


def _is_no_less_urgent(one: Told, mine: Notification) -> bool:
    return one.urgency is Urgency.HIGH or mine.urgency is Urgency.LOW
