"""What becomes of a page when held paging is released: what is still true is paged once, one rung."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from tocsin.oncall.core.effects import SetTimer
from tocsin.oncall.core.ladder import Ladder
from tocsin.oncall.core.page import witness
from tocsin.oncall.model import Notification, Page


class Freed(Struct, frozen=True):
    """Messages that are not sent any more, and when the page goes on (None: as its timer says)."""

    dropped: tuple[Notification, ...]
    timer: SetTimer | None


def free(page: Page, waiting: Sequence[Notification], ladder: Ladder, now: datetime) -> Freed:
    """Say what a page does whose messages and timers have been held.

    Where its rung has still to be told, that is sent now and has its full time to be answered;
    where it was told before, an overdue timer calls the next rung. Never both, and what a rung
    that was left behind had still to send is dropped.
    """
    kind = witness(page)
    dropped = tuple(one for one in waiting if one.rung != page.rung)
    is_untold = any(
        one.rung == page.rung and (one.rule == 0 or one.due_at is None or one.due_at <= now)
        for one in waiting
    )
    if kind is None or not is_untold:
        return Freed(dropped, None)
    patience_s = ladder.catch_every_s
    if not page.catch:
        # a policy that has become shorter meanwhile has no such step any more: go on at once
        rung = ladder.rungs[page.step : page.step + 1]
        patience_s = rung[0].timeout_s if rung else 0
    return Freed(dropped, SetTimer(kind, now + timedelta(seconds=patience_s), page.epoch))
