"""What to look at before it happens: gaps, who cannot be woken, leavers, single points. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from tocsin.kernel.ids import PersonId, ScheduleId
from tocsin.oncall.core.schedule.final import final, layers_at
from tocsin.oncall.core.schedule.subscribed import is_old
from tocsin.oncall.model import CalendarLayer, Plan, Timeline


class Trouble(StrEnum):
    """What can be wrong with a stretch of a schedule."""

    GAP = "gap"  # nobody has it
    UNREACHABLE = "unreachable"  # who has it cannot be woken
    LEAVER = "leaver"  # who takes turns has left, or is not active
    SINGLE = "single"  # only one person ever has it
    BROKEN = "broken"  # it cannot be read
    STALE = "stale"  # the calendar a layer follows was not read for a day


class Finding(Struct, frozen=True, kw_only=True):
    """Something wrong with one slot, in [start_at, end_at); about a person where it is one's.

    `why` says why they cannot be reached, or a calendar cannot be read.
    """

    trouble: Trouble
    schedule_id: ScheduleId
    schedule: str
    slot: str
    start_at: datetime
    end_at: datetime
    person_id: PersonId | None = None
    why: str = ""


def findings(
    timelines: Sequence[Timeline],
    unreachable: Mapping[PersonId, str],
    now: datetime,
    end: datetime,
    calendars: Sequence[CalendarLayer] = (),
) -> list[Finding]:
    """Look at [now, end), never at the past; soonest first.

    `unreachable` are people who cannot be woken, and why not: their shifts are as good as gaps,
    and in a group they are named all the same. `calendars`: how those that layers follow were read.
    """
    found = [one for timeline in timelines for one in _of(timeline, unreachable, now, end)]
    old = [one for one in calendars if is_old(one, now)]
    found += [one for timeline in timelines for one in _stale(_About(timeline, now, end), old)]
    return sorted(found, key=lambda one: (one.start_at, one.schedule, one.slot, one.trouble))


def _of(
    timeline: Timeline, unreachable: Mapping[PersonId, str], now: datetime, end: datetime
) -> Iterator[Finding]:
    about = _About(timeline, now, end)
    try:
        plan = final(timeline, now, end)
    except ValueError as error:
        for slot in timeline.schedule.slots:
            yield about.finding(Trouble.BROKEN, slot, why=str(error)[:200])
        return
    for gap in plan.gaps:
        yield about.finding(Trouble.GAP, gap.slot, since=gap.start_at, until=gap.end_at)
    for shift in plan.shifts:
        for who in shift.people:
            if who in unreachable:
                yield about.finding(
                    Trouble.UNREACHABLE, shift.slot, who,
                    since=shift.start_at, until=shift.end_at, why=unreachable[who],
                )  # fmt: skip
    for slot in timeline.schedule.slots:
        yield from _of_people(about, plan.of(slot), slot)


def _stale(about: "_About", old: Sequence[CalendarLayer]) -> Iterator[Finding]:
    schedule = about.timeline.schedule
    slots = {one.name: one.slot for one in schedule.layers if one.source}
    for one in old:
        if one.schedule_id == schedule.id and one.layer in slots:
            read = (
                f"last read {one.read_at:%Y-%m-%d %H:%M} UTC" if one.read_at else "never read"
            )
            why = f"layer {one.layer}: {read}; {one.error or 'it is overdue'}"
            yield about.finding(Trouble.STALE, slots[one.layer], why=why)


def _of_people(about: "_About", plan: Plan, slot: str) -> Iterator[Finding]:
    for who in _members(about.timeline, slot, about.end):
        if who in about.timeline.absent:
            yield about.finding(Trouble.LEAVER, slot, who)
    who_ever = {who for shift in plan.shifts for who in shift.people}
    if len(who_ever) == 1:
        yield about.finding(Trouble.SINGLE, slot, who_ever.pop())


class _About(Struct, frozen=True):
    """What all findings of one schedule have in common: it, and the stretch that is looked at."""

    timeline: Timeline
    now: datetime
    end: datetime

    def finding(
        self,
        trouble: Trouble,
        slot: str,
        who: PersonId | None = None,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        why: str = "",
    ) -> Finding:
        """Make a finding, cut to the stretch."""
        schedule = self.timeline.schedule
        return Finding(
            trouble=trouble, schedule_id=schedule.id, schedule=schedule.name, slot=slot,
            start_at=max(since or self.now, self.now), end_at=min(until or self.end, self.end),
            person_id=who, why=why,
        )  # fmt: skip


def _members(timeline: Timeline, slot: str, at: datetime) -> dict[PersonId, None]:
    """Return who takes turns by the version that is in force at `at`."""
    layers = layers_at(timeline, slot, at)
    return dict.fromkeys(who for layer in layers for who in layer.people)
