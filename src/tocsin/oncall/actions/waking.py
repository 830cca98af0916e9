"""What wakes pages: their timers, the watchdog, and the last resort for who reaches nobody."""

from typing import assert_never

from tocsin.kernel import jobs as job_rows
from tocsin.kernel.ids import PageId
from tocsin.kernel.unit import Unit
from tocsin.oncall import events, store
from tocsin.oncall.actions.loading import ladder_of
from tocsin.oncall.actions.orders import CallLastResort, PageTimer
from tocsin.oncall.actions.stepping import advance, set_timer, timer_key
from tocsin.oncall.core import inputs
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.fence import fenced
from tocsin.oncall.core.page import due_timer
from tocsin.oncall.model import TimerKind


async def timer_is_due(unit: Unit, job: PageTimer) -> None:
    """Do what a page has been waiting for, unless it has moved on."""
    unit.require("page:step")
    page = await store.page_for_update(unit.conn, job.page_id)
    ladder = await ladder_of(unit, page)
    match job.timer:
        case TimerKind.STEP:
            await advance(page, inputs.StepDue(job.epoch, ladder), unit)
        case TimerKind.CATCH:
            await advance(page, inputs.CatchDue(job.epoch, ladder), unit)
        case TimerKind.ACK_TIMEOUT:
            await advance(page, inputs.AckExpired(job.epoch, ladder), unit)
        case TimerKind.SNOOZE:
            await advance(page, inputs.SnoozeOver(job.epoch, ladder), unit)
        case TimerKind.OPENING:
            await advance(page, inputs.OpeningDue(job.epoch, ladder), unit)
        case _:
            assert_never(job.timer)


async def look_again(unit: Unit, before: Directory, after: Directory) -> None:
    """Let pages that wait for their hours look again where other hours are in force now."""
    unit.require("resource:apply")
    quiet = [
        {key: one.notify.quiet for key, one in known.people.items() if one.notify.quiet}
        for known in (before, after)
    ]
    is_quiet_other = quiet[0] != quiet[1]
    if not is_quiet_other and before.policies == after.policies:
        return
    for page in await store.held_pages(unit.conn):
        if is_quiet_other or before.policy_of(page) != after.policy_of(page):
            key = timer_key(page, TimerKind.OPENING, page.epoch)
            await job_rows.pull_forward(unit.conn, key, unit.now)


async def watch(unit: Unit) -> list[PageId]:
    """Find pages that nothing would ever wake (invariant I1) and set them going again.

    Returns the open ones, which nothing but a bug can leave like that. An acknowledged page
    lacks its timer also when its policy has only now been given an acknowledgement timeout.
    """
    unit.require("page:watch")
    directory = unit.config(Directory)
    suspects = [
        page
        async for page in store.unwitnessed_pages(unit.conn)
        if due_timer(page, directory.policy_of(page), unit.now)
    ]
    restored = []
    for suspect in sorted(suspects, key=lambda one: one.id):  # locked in one order everywhere
        page = await store.page_for_update(unit.conn, suspect.id)
        timer = due_timer(page, directory.policy_of(page), unit.now)
        if timer is None or await job_rows.is_witnessed(unit.conn, page.id, page.epoch):
            continue  # it moved on between the look and the lock
        set_timer(page, timer, unit)
        if page.is_open or page.is_waiting:
            unit.record(events.WitnessRestored(page_id=page.id, incident_id=page.incident_id))
            restored.append(page.id)
    return restored


async def last_resort_is_due(unit: Unit, job: CallLastResort) -> bool:
    """Say whether the static contacts must still be told; False once somebody has the page."""
    unit.require("page:step")
    page = await store.page_for_update(unit.conn, job.page_id)
    return fenced(page, job.epoch) is None


async def last_resort_called(unit: Unit, page_id: PageId, *, told: int, failed: int) -> bool:
    """Record how many static contacts were told; False: none was, and somebody must be."""
    unit.require("page:step")
    page = await store.page_for_update(unit.conn, page_id)
    unit.record(
        events.LastResortCalled(
            page_id=page.id, incident_id=page.incident_id, told_count=told, failed_count=failed
        )
    )
    return bool(told or not failed or not page.is_open)
