"""On-call over JSON: who is on call, and why a page called whom."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from litestar import get
from litestar.params import FromPath

import tocsin.command.reads as command
import tocsin.oncall.reads as oncall
from tocsin.kernel import timeline
from tocsin.kernel.errors import Invalid, NotFound
from tocsin.kernel.jobs import name_of
from tocsin.kernel.unit import Unit
from tocsin.oncall.actions import PageTimer
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.receipt import latency_s, state_of
from tocsin.oncall.model import Page, PageState, Policy, Shift, Target
from tocsin.oncall.reads import AttemptRow, NotificationRow, SlotNow
from tocsin.web.ahead import Ahead, directories, with_people
from tocsin.web.api.page_shapes import (
    AttemptShape,
    NotificationShape,
    OnCall,
    PageDetail,
    PageShape,
    PageWhy,
    PolicyShape,
    ScheduleShape,
    ShiftShape,
    StepShape,
    TargetShape,
    WaitingShape,
)
from tocsin.web.api.shapes import entry_shape, incident_shape, person, problems
from tocsin.web.askers import askers
from tocsin.web.targets import target_word
from tocsin.web.units import AnAsking, Asking

LOG_MAX = 200
AHEAD = timedelta(days=1)
FIRST_AHEAD = timedelta(days=366)  # how far a schedule that has not begun is looked into


@get("/oncall", tags=["on-call"], responses=problems())
async def show_on_call(asking: AnAsking) -> OnCall:
    """Say for every schedule who is on call now, until when, and who comes next."""
    return await on_call(asking)


async def on_call(asking: Asking) -> OnCall:
    """Look at every schedule, as it is and as it will be."""

    async def read(unit: Unit) -> OnCall:
        found = await oncall.on_call_now(unit)
        ahead = await directories(unit, asking.services.store, unit.now + FIRST_AHEAD)
        schedules = [await _schedule(unit, one, ahead) for one in found]
        return OnCall(at=unit.now, schedules=tuple(schedules))

    return await asking.run(read)


async def _schedule(unit: Unit, one: SlotNow, ahead: Ahead) -> ScheduleShape:
    found = one.schedule
    after = one.shift.end_at if one.shift else unit.now
    until = min(after + (AHEAD if one.shift else FIRST_AHEAD), unit.now + FIRST_AHEAD)
    plan = (await oncall.plan_of(unit, found, unit.now, until, ahead)).of(one.slot)
    now = next((shift for shift in plan.shifts if shift.start_at <= unit.now), None)
    following = [shift for shift in plan.shifts if shift.start_at > unit.now]
    directory = with_people(unit.config(Directory), ahead)
    return ScheduleShape(
        id=found.id,
        name=found.name,
        slot=one.slot,
        zone=found.zone,
        now=shift_shape(directory, now) if now else None,
        next=shift_shape(directory, following[0]) if following else None,
    )


def shift_shape(directory: Directory, shift: Shift) -> ShiftShape:
    """Say what the API says of a shift."""
    return ShiftShape(
        person=person(directory, shift.person_id),
        people=tuple(person(directory, one) for one in shift.people),
        slot=shift.slot, layer=shift.layer, turn=shift.k, overrides=shift.overrides,
        start_at=shift.start_at, end_at=shift.end_at,
    )  # fmt: skip


@get("/pages/{page_id:str}", tags=["on-call"], responses=problems(NotFound, Invalid))
async def show_page(asking: AnAsking, page_id: FromPath[str]) -> PageWhy:
    """Show a page: its policy, whom it called by what, what it waits for, what has happened."""

    async def read(unit: Unit) -> PageWhy:
        page = await oncall.page(unit, page_id)
        [detail] = await page_details(unit, [page])
        directory = unit.config(Directory)
        entries = await timeline.about(
            unit,
            [page.id],
            catalog=asking.services.catalog,
            name=directory.name_of,
            asker=await askers(unit),
            limit=LOG_MAX,
        )
        return PageWhy(
            **{name: getattr(detail, name) for name in detail.__struct_fields__},
            incident=incident_shape(await command.incident(unit, str(page.incident_id))),
            policy_now=_policy(directory, directory.policy_of(page)),
            log=tuple(map(entry_shape, entries)),
        )

    return await asking.run(read)


def page_shape(directory: Directory, page: Page) -> PageShape:
    """Say what the API says of a page."""
    by = page.acknowledged_by
    return PageShape(
        id=page.id, incident_id=page.incident_id,
        policy=directory.policy_of(page).name, state=page.state, epoch=page.epoch,
        loop=page.loop, step=page.step, catch=page.catch, retriggers=page.retriggers,
        unpageable=page.unpageable, opened_at=page.opened_at, requested=page.requested,
        asked_person=person(directory, page.asked_person) if page.asked_person else None,
        acknowledged_at=page.acknowledged_at,
        acknowledged_by=person(directory, by) if by else None,
        acknowledged_via=page.acknowledged_via, resolved_at=page.resolved_at,
        urgency=page.urgency, waits_until=page.waits_until, called_for=page.called_for,
        moved_by=person(directory, page.moved_by) if page.moved_by else None,
        assigned=target_word(page.assigned, directory).name if page.assigned else "",
    )  # fmt: skip


async def page_details(unit: Unit, pages: Sequence[Page]) -> tuple[PageDetail, ...]:
    """Add to pages what they have sent and what they wait for."""
    directory = unit.config(Directory)
    waiting = await oncall.waiting_for(unit, pages)
    notifications = await oncall.notifications_of(unit, [page.id for page in pages])
    attempts = await oncall.attempts_of(unit, [one.id for one in notifications])
    tries: dict[UUID, list[AttemptRow]] = {}
    for attempt in attempts:
        tries.setdefault(attempt.notification_id, []).append(attempt)
    found = []
    for page in pages:
        shape = page_shape(directory, page)
        due = waiting.get(page.id, [])
        found.append(
            PageDetail(
                **{name: getattr(shape, name) for name in shape.__struct_fields__},
                next_at=_next_at(directory, page, due),
                waiting=tuple(WaitingShape(job=job, due_at=at) for job, at in due),
                notifications=tuple(
                    _notification(directory, one, tries.get(one.id, []))
                    for one in notifications
                    if one.page_id == page.id
                ),
            )
        )
    return tuple(found)


def _next_at(
    directory: Directory, page: Page, due: Sequence[tuple[str, datetime]]
) -> datetime | None:
    """Return when the page calls again by itself; timers of an older epoch may still lie about."""
    timers = [at for job, at in due if job == name_of(PageTimer)]
    if page.is_waiting:
        return page.waits_until
    if page.is_open:
        return min(timers, default=None)
    if page.state is not PageState.ACKNOWLEDGED or page.acknowledged_at is None:
        return None
    timeout_s = directory.policy_of(page).ack_timeout_s
    least = page.acknowledged_at + timedelta(seconds=timeout_s)
    return min((at for at in timers if timeout_s and at >= least), default=None)


def _notification(
    directory: Directory, row: NotificationRow, attempts: Sequence[AttemptRow]
) -> NotificationShape:
    return NotificationShape(
        id=row.id, person=person(directory, row.person_id), method=row.kind, state=row.state,
        epoch=row.epoch, loop=row.loop, step=row.step, catch=row.catch, queued_at=row.queued_at,
        seen_at=row.seen_at, rule=row.rule, due_at=row.due_at, urgency=row.urgency,
        bundle=row.bundle,
        attempts=tuple(
            AttemptShape(
                number=one.number, state=state_of(one.trail), started_at=one.started_at,
                ended_at=one.ended_at, outcome=one.outcome, provider_id=one.provider_id,
                error=one.error, show=one.show, delivered_at=one.delivered_at,
                seen_at=one.seen_at, acked_at=one.acked_at, failed_at=one.failed_at,
                receipt=one.receipt, latency_s=latency_s(one.trail),
            )
            for one in attempts
        ),
    )  # fmt: skip


def _policy(directory: Directory, policy: Policy) -> PolicyShape:
    return PolicyShape(
        name=policy.name,
        steps=tuple(
            StepShape(
                targets=tuple(_target(directory, target) for target in step.targets),
                timeout_s=step.timeout_s,
            )
            for step in policy.steps
        ),
        repeat=policy.repeat,
        catch_all=tuple(_target(directory, target) for target in policy.catch_all),
        catch_all_every_s=policy.catch_every_s,
        ack_timeout_s=policy.ack_timeout_s,
    )


def _target(directory: Directory, target: Target) -> TargetShape:
    found = target_word(target, directory)
    return TargetShape(kind=found.kind, name=found.name)


ROUTES = [show_on_call, show_page]
