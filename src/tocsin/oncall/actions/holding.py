"""Hold all paging, and release it: after a restore nobody is called for what may be long over."""

from collections import defaultdict

from msgspec import Struct

from tocsin.kernel import held_jobs
from tocsin.kernel.ids import PageId
from tocsin.kernel.jobs import name_of
from tocsin.kernel.unit import Unit
from tocsin.oncall import events, store
from tocsin.oncall.actions.loading import standing
from tocsin.oncall.actions.noticing import SendNotice
from tocsin.oncall.actions.orders import (
    CallLastResort,
    Deliver,
    PageTimer,
    ReceiptDue,
    TellUrl,
    UpdateMessages,
)
from tocsin.oncall.actions.stepping import timer_key
from tocsin.oncall.core.holding import free
from tocsin.oncall.model import Notification, NotificationState, Page

PAGING_JOBS = tuple(
    name_of(job)
    for job in (
        PageTimer, Deliver, ReceiptDue, CallLastResort, UpdateMessages, TellUrl, SendNotice,
    )
)  # fmt: skip
"""What waits while paging is held: every job that speaks to somebody, and the timers of pages.

Alerts are sorted, their groups' timers run, and incidents and pages open, as ever.
"""


class Released(Struct, frozen=True, kw_only=True):
    """What a release found: pages that are open, and messages that were not sent any more."""

    was_held: bool
    open_count: int = 0
    dropped_count: int = 0


async def hold_paging(unit: Unit, reason: str = "asked") -> bool:
    """Send nothing and let no page go on until somebody releases it; False where it was held."""
    unit.require("paging:hold")
    unit.require_on("paging:hold", None)
    if not await held_jobs.hold(unit.conn, PAGING_JOBS, unit.now, reason):
        return False
    unit.record(events.PagingHeld(reason=reason))
    return True


async def note_restored(unit: Unit) -> None:
    """Put into the log that the restore has held paging."""
    unit.require("paging:hold")
    unit.record(events.PagingHeld(reason="restored"))


async def release_paging(unit: Unit) -> Released:
    """Page for what is still true: each open page once, by one rung."""
    unit.require("paging:release")
    unit.require_on("paging:release", None)
    if not await held_jobs.let_go(unit.conn, PAGING_JOBS):
        return Released(was_held=False)
    pages = [page for page in await store.unresolved_pages(unit.conn) if page.is_open]
    waiting: dict[PageId, list[Notification]] = defaultdict(list)
    for one in await store.waiting_notifications(unit.conn):
        waiting[one.page_id].append(one)
    directory = await standing(unit)
    due_at, dropped = {}, 0
    for page in pages:
        mine = waiting.get(page.id)
        if not mine:
            continue
        freed = free(page, mine, directory.ladder_of(page, unit.now), unit.now)
        if freed.timer is not None:
            due_at[timer_key(page, freed.timer.kind, page.epoch)] = freed.timer.due_at
        for one in freed.dropped:
            await _drop(unit, page, one)
        dropped += len(freed.dropped)
    await held_jobs.put_off(unit.conn, due_at)
    unit.record(events.PagingReleased(open_count=len(pages), dropped_count=dropped))
    return Released(was_held=True, open_count=len(pages), dropped_count=dropped)


async def _drop(unit: Unit, page: Page, one: Notification) -> None:
    await store.set_notification(unit.conn, one.id, NotificationState.SUPPRESSED)
    unit.record(
        events.NotificationSuppressed(
            page_id=page.id,
            incident_id=page.incident_id,
            notification_id=one.id,
            person_id=one.person_id,
            method=one.kind,
            reason="paging_was_held",
        )
    )
