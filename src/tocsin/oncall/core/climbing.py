"""Which rung of a ladder is called next, whom of it, and when it is held back instead; pure."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core import delivery
from tocsin.oncall.core.effects import (
    CatchAllCalled,
    Effect,
    Escalated,
    Held,
    HeldReason,
    LoopRestarted,
    NobodyAt,
    Notify,
    SetTimer,
    TellUrl,
    UnpageableReason,
)
from tocsin.oncall.core.ladder import (
    Ladder,
    Missing,
    MissingReason,
    Reach,
    Rung,
    quiet_until,
    turn,
)
from tocsin.oncall.model import Page, PageState, RungKey, TimerKind

CATCH_ALL_PATIENCE = 3
"""Calls of the catch-all that may stay unanswered before the alarm is raised."""

Stepped = tuple[Page, tuple[Effect, ...]]


def climb(page: Page, ladder: Ladder, now: datetime, *, at_once: bool = False) -> Stepped:
    """Call the next rung that reaches anybody: one, however late it is, never a burst.

    A page of low urgency waits for support hours, and while all whom it would call have quiet
    hours; `at_once` says that somebody asks for the call now.
    """
    if page.catch:
        return _climb_catch_all(page, ladder, now, at_once=at_once)
    passed: list[Effect] = []
    loop, at = page.loop, page.step + 1
    # A round in which nobody can be reached is not walked again: it would end the same way.
    somebody = any(rung.reach for rung in ladder.rungs)
    while at < len(ladder.rungs) or (somebody and loop < ladder.repeat):
        if at >= len(ladder.rungs):
            loop, at = loop + 1, 0
            passed.append(LoopRestarted(loop, ladder.repeat))
        rung = ladder.rungs[at] if at_once else _awake(page, ladder.rungs[at], now)
        held = None if at_once else _held(page, rung, ladder, now)
        if held is not None:
            page, effects = _hold(replace(page, loop=loop, step=at - 1), held)
            return page, (*passed, *effects)
        if rung.reach:
            at_rung = replace(page, loop=loop, step=at)
            page, effects = _call(at_rung, rung, now, at_once=at_once)
            return page, (*passed, *effects)
        where = RungKey(epoch=page.epoch, loop=loop, step=at)
        passed += [*_tells(where, rung), NobodyAt(where, rung.missing)]
        at += 1
    after = replace(page, loop=loop, step=at - 1)
    page, effects = _climb_catch_all(after, ladder, now, at_once=at_once)
    return page, (*passed, *effects)


def urgency_of(page: Page, rung: Rung) -> Urgency:
    """Say how urgent the messages of a rung are."""
    return rung.urgency or page.urgency


def _awake(page: Page, rung: Rung, now: datetime) -> Rung:
    """Leave out whom a message of low urgency cannot wait for.

    That is who always has quiet hours; for an urgent page whoever has them now; and of those
    who take turns whoever has, as long as somebody has not.
    """
    if urgency_of(page, rung) is Urgency.HIGH:
        return rung
    free_at = {one.person_id: quiet_until(one, now) for one in rung.reach}
    wakes = [one for one in rung.reach if free_at[one.person_id] == now]
    waits = [one for one in rung.reach if free_at[one.person_id] is not None]
    stays = wakes if page.urgency is Urgency.HIGH or (rung.round_robin and wakes) else waits
    left_out = tuple(
        Missing(reason=MissingReason.QUIET_HOURS, person_id=one.person_id)
        for one in rung.reach
        if one not in stays
    )
    return replace(rung, reach=tuple(stays), missing=(*rung.missing, *left_out))


def _held(page: Page, rung: Rung, ladder: Ladder, now: datetime) -> Held | None:
    """Say until when a rung is not called, and why; None: it is called now."""
    is_low = page.urgency is Urgency.LOW and urgency_of(page, rung) is Urgency.LOW
    if not is_low or not rung.reach:
        return None
    if ladder.opens_at is not None and ladder.opens_at > now:
        return Held(HeldReason.SUPPORT_HOURS, ladder.opens_at, ladder.holiday)
    free_at = [at for one in rung.reach if (at := quiet_until(one, now)) is not None]
    if not free_at or min(free_at) <= now:
        return None
    return Held(HeldReason.QUIET_HOURS, min(free_at))


def _hold(page: Page, held: Held) -> Stepped:
    page = replace(page, state=PageState.HELD, waits_until=held.until)
    return page, (held, SetTimer(TimerKind.OPENING, held.until, page.epoch))


def _call(page: Page, rung: Rung, now: datetime, *, at_once: bool) -> Stepped:
    is_first = (page.loop, page.step) == (0, 0)
    state = PageState.TRIGGERED if is_first else PageState.ESCALATING
    page = replace(page, state=state, waits_until=None)
    next_at = now + timedelta(seconds=rung.timeout_s)
    called = turn(rung, page.ticket, page.loop)
    fact = Escalated(
        rung=page.rung,
        people=tuple(reach.person_id for reach in called),
        missing=rung.missing,
        next_at=next_at,
        schedules=tuple(reach.schedule_id for reach in called),
        urgency=urgency_of(page, rung),
    )
    notify = _notify(page, rung, called, now, at_once=at_once)
    timer = SetTimer(TimerKind.STEP, next_at, page.epoch)
    return page, (fact, *_tells(page.rung, rung), *notify, timer)


def _climb_catch_all(page: Page, ladder: Ladder, now: datetime, *, at_once: bool) -> Stepped:
    rung = ladder.catch_all if at_once else _awake(page, ladder.catch_all, now)
    held = None if at_once else _held(page, rung, ladder, now)
    if held is not None:
        return _hold(page, held)
    page = replace(page, state=PageState.ESCALATING, catch=page.catch + 1, waits_until=None)
    next_at = now + timedelta(seconds=ladder.catch_every_s)
    called: Effect = NobodyAt(page.rung, rung.missing)
    if rung.reach:
        called = CatchAllCalled(
            rung=page.rung,
            people=tuple(reach.person_id for reach in rung.reach),
            missing=rung.missing,
            next_at=next_at,
        )
    page, alarm = _alarm_for(page, rung)
    notify = _notify(page, rung, rung.reach, now, at_once=at_once)
    timer = SetTimer(TimerKind.CATCH, next_at, page.epoch)
    return page, (called, *alarm, *_tells(page.rung, rung), *notify, timer)


def _alarm_for(page: Page, catch_all: Rung) -> Stepped:
    if not catch_all.reach:
        return delivery.alarm(page, UnpageableReason.NOBODY_REACHABLE, catch_all.missing)
    if page.catch > CATCH_ALL_PATIENCE:
        return delivery.alarm(page, UnpageableReason.UNANSWERED)
    return page, ()


def _notify(
    page: Page, rung: Rung, called: tuple[Reach, ...], now: datetime, *, at_once: bool
) -> tuple[Notify, ...]:
    """Order what the rules of each person say, each at its instant."""
    urgency = urgency_of(page, rung)
    found = []
    for reach in called:
        for number, rule in enumerate(reach.notify.chain(urgency)):
            due_at: datetime | None = now + timedelta(seconds=rule.after_s)
            if urgency is Urgency.LOW and not at_once and due_at is not None:
                due_at = quiet_until(reach, due_at)
            if due_at is None or rule.method >= len(reach.methods):
                continue
            found.append(
                Notify(
                    rung=page.rung,
                    person_id=reach.person_id,
                    rule=number,
                    method=rule.method,
                    kind=reach.methods[rule.method],
                    urgency=urgency,
                    due_at=due_at if due_at > now else None,
                )
            )
    return tuple(found)


def _tells(where: RungKey, rung: Rung) -> tuple[TellUrl, ...]:
    return tuple(TellUrl(where, target) for target in rung.tells)
