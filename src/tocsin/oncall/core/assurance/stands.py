"""Who stands on a rung when, and whether they can be woken: steps in time, instead of instants.

Instants are whole seconds since 1970. Between two changes everything is as at the first of them.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.ids import PersonId, ScheduleId
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core import hours, ladder
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.reachability import Reachability, reachable
from tocsin.oncall.core.schedule import final, next_on_call, shift_at
from tocsin.oncall.core.schedule.turns import instant, seconds
from tocsin.oncall.model import (
    ContactState,
    Hours,
    PersonTarget,
    Policy,
    ScheduleTarget,
    Step,
    Target,
    TeamTarget,
    Timeline,
)

V = TypeVar("V")
Steps = list[tuple[int, V]]
"""From when on what holds, in order; the last one for good."""
States = Mapping[PersonId, Mapping[str, ContactState]]
People = tuple[PersonId, ...]


class Stand(Struct, frozen=True, kw_only=True):
    """A rung between two changes: whom it calls, and why others are not called.

    `wakes_s` is after how many seconds at the latest somebody is told who can be woken; None:
    nobody is. `held_s`: it calls nobody before that instant. `has_anybody`: hours left aside.
    """

    called: People
    gone: People
    empty: tuple[Target, ...]
    wakes_s: int | None = None
    held_s: int | None = None
    has_anybody: bool = False
    is_low: bool = False


class Book:
    """Looks everything up for a stretch of time, each thing once."""

    def __init__(self, directory: Directory, states: States, lo: int, hi: int) -> None:
        self.directory = directory
        self.lo, self.hi = lo, hi
        self._states = states
        self._timelines = directory.timelines(instant(lo))
        self._plans: dict[ScheduleId, tuple[Timeline, dict[str, Steps[People]]] | None] = {}
        self._turns: dict[ScheduleTarget, Steps[People]] = {}
        self._rungs: dict[object, Steps[Stand]] = {}
        self._reach: dict[PersonId, Reachability | None] = {}

    def reach(self, person_id: PersonId) -> Reachability | None:
        """Say by what a person can be told; None: by nothing, or they are not there."""
        if person_id not in self._reach:
            person = self.directory.people.get(person_id)
            found = None
            if person is not None and person.active and person.methods:
                found = reachable(person, self._states.get(person_id, {}))
            self._reach[person_id] = found
        return self._reach[person_id]

    def answers_s(self, person_id: PersonId, urgency: Urgency, page: Urgency) -> int | None:
        """Return how long after a call a message leaves that counts; None: none does.

        For an urgent page it must wake them, for another one it must be verified.
        """
        person, found = self.directory.people.get(person_id), self.reach(person_id)
        if person is None or found is None:
            return None
        good = {
            one.index
            for one in found.methods
            if (one.wakes if page is Urgency.HIGH else one.arrives)
        }
        after = [r.after_s for r in person.notify.chain(urgency) if r.method in good]
        return min(after, default=None)

    def rung(self, step: Step, policy: Policy, page: Urgency) -> Steps[Stand]:
        """Return how a step of a policy stands for a page of this urgency, from `lo` on."""
        support = policy.support_hours if page is Urgency.LOW else ()
        key = (step.targets, step.urgency, step.round_robin, page, support)
        if key not in self._rungs:
            self._rungs[key] = list(_joined(self._stands(step, policy, page)))
        return self._rungs[key]

    def _stands(self, step: Step, policy: Policy, page: Urgency) -> Iterator[tuple[int, Stand]]:
        sources = [
            (one, self._of(one)) for target in step.targets for one in self._parts(target)
        ]
        edges = {self.lo, *(at for _, source in sources for at, _ in source)}
        if Urgency.LOW in (page, step.urgency):
            edges |= self._hours(policy, sources)
        for at in sorted(edges):
            found = [(target, at_of(source, at)) for target, source in sources]
            yield at, self._stand(found, at, step, policy, page)

    def _hours(
        self, policy: Policy, sources: Sequence[tuple[Target, Steps[People]]]
    ) -> set[int]:
        everybody = {who for _, source in sources for _, people in source for who in people}
        people = (self.directory.people.get(who) for who in everybody)
        windows = [policy.support_hours, *(one.notify.quiet for one in people if one)]
        return {at for one in windows for at in self._edges(one)}

    def _edges(self, windows: Sequence[Hours]) -> set[int]:
        try:
            found = hours.edges(windows, instant(self.lo), instant(self.hi)) if windows else ()
        except ValueError:  # hours that cannot be read hold nothing back
            return set()
        return {seconds(at) for at in found}

    def _stand(
        self, found: Sequence[tuple[Target, People]], at: int, step: Step, policy: Policy,
        page: Urgency,
    ) -> Stand:  # fmt: skip
        asked = dict.fromkeys(who for _, people in found for who in people)
        there = [who for who in asked if self.reach(who) is not None]
        urgency = step.urgency or page
        stand = Stand(
            called=tuple(there),
            gone=tuple(who for who in asked if who not in there),
            empty=tuple(target for target, people in found if not people),
            has_anybody=bool(there),
            is_low=urgency is Urgency.LOW and page is Urgency.HIGH,
        )
        if urgency is Urgency.HIGH:
            return replace(stand, wakes_s=self._wakes_s(there, step, urgency, page))
        return self._quiet(stand, at, step, policy, page)

    def _quiet(self, stand: Stand, at: int, step: Step, policy: Policy, page: Urgency) -> Stand:
        """Leave out, or wait for, whom a message of low urgency does not disturb now.

        To an urgent page it counts for nothing: it wakes nobody. Of one that is not urgent the
        message of who has quiet hours waits for their end, which is not counted.
        """
        now = instant(at)
        free = {who: ladder.quiet_until(self._reach_of(who), now) for who in stand.called}
        awake = [who for who in stand.called if free[who] == now]
        waits = [who for who in stand.called if free[who] is not None]
        stays = awake if page is Urgency.HIGH or (step.round_robin and awake) else waits
        stand = replace(stand, called=tuple(stays))
        if page is Urgency.HIGH or not stays:
            return stand
        until = _opens_at(policy, now) or min(
            until for who in stays if (until := free[who]) is not None
        )
        if until > now:
            return replace(stand, held_s=seconds(until))
        return replace(stand, wakes_s=self._wakes_s(stays, step, Urgency.LOW, page))

    def _reach_of(self, who: PersonId) -> ladder.Reach:
        return ladder.Reach(who, (), self.directory.people[who].notify)

    def _wakes_s(
        self, people: Sequence[PersonId], step: Step, urgency: Urgency, page: Urgency
    ) -> int | None:
        """Say when the first is told who can be woken; of those who take turns it may be any."""
        found = [self.answers_s(who, urgency, page) for who in people]
        known = [one for one in found if one is not None]
        if not step.round_robin:
            return min(known, default=None)
        return max(known) if known and len(known) == len(found) else None

    def _parts(self, target: Target) -> Iterator[Target]:
        """Take a team apart into its schedules, where whoever is on call for it is meant."""
        if isinstance(target, TeamTarget) and target.on_call:
            found = self.directory.schedules.values()
            own: list[Target] = [ScheduleTarget(s.id) for s in found if s.team == target.team]
            yield from own or [target]
        elif isinstance(target, PersonTarget | ScheduleTarget | TeamTarget):
            yield target

    def _of(self, target: Target) -> Steps[People]:
        match target:
            case PersonTarget(person_id):
                return [(self.lo, (person_id,))]
            case ScheduleTarget():
                if target not in self._turns:
                    self._turns[target] = self._on_call(target)
                return self._turns[target]
            case TeamTarget(team, False):
                return [(self.lo, tuple(self.directory.teams.get(team, ())))]
            case _:
                return [(self.lo, ())]

    def _on_call(self, target: ScheduleTarget) -> Steps[People]:
        known = self._plan(target.schedule)
        if known is None:
            return [(self.lo, ())]
        timeline, plan = known
        slot = target.slot or timeline.schedule.slots[0]
        if not target.next:
            return plan.get(slot, [(self.lo, ())])
        there = replace(timeline, absent=frozenset())
        edges = {at for at, _ in (*plan.get(slot, ()), *_plan_of(there, self).get(slot, ()))}
        return list(_joined(self._next(timeline, slot, sorted({self.lo, *edges}))))

    def _next(
        self, timeline: Timeline, slot: str, edges: Sequence[int]
    ) -> Iterator[tuple[int, People]]:
        """Ask at each handoff who comes next; where nobody does, it is who has it."""
        anybody = replace(timeline, absent=frozenset())
        for at in edges:
            now = instant(at)
            found = next_on_call(timeline, slot, now) or shift_at(anybody, slot, now)
            yield at, found.people if found else ()

    def _plan(
        self, schedule_id: ScheduleId
    ) -> tuple[Timeline, dict[str, Steps[People]]] | None:
        if schedule_id not in self._plans:
            timeline = self._timelines.get(schedule_id)
            try:
                found = (timeline, _plan_of(timeline, self)) if timeline else None
            except ValueError:  # broken: it reaches nobody at any time
                found = None
            self._plans[schedule_id] = found
        return self._plans[schedule_id]


def _plan_of(timeline: Timeline, book: Book) -> dict[str, Steps[People]]:
    found: dict[str, Steps[People]] = {}
    for one in final(timeline, instant(book.lo), instant(book.hi)).shifts:
        row = found.setdefault(one.slot, [(book.lo, ())])
        start = max(book.lo, seconds(one.start_at))
        if row[-1][0] == start:
            row.pop()
        row += [(start, one.people), (seconds(one.end_at), ())]
    return found


def _opens_at(policy: Policy, now: datetime) -> datetime | None:
    """Return when support hours begin; None: they have, or there are none."""
    try:
        found = hours.begins_at(policy.support_hours, now) if policy.support_hours else now
    except ValueError:  # a zone that is none any more must hold nothing back
        return None
    return found if found is not None and found > now else None


def at_of(row: Steps[V], at: int) -> V:
    """Return what holds at an instant; before the first step, what it says."""
    return row[max(0, bisect_right(row, at, key=_start) - 1)][1]


def _start(step: tuple[int, object]) -> int:
    return step[0]


def _joined(row: Iterator[tuple[int, V]]) -> Iterator[tuple[int, V]]:
    last: V | None = None
    for at, value in row:
        if last is None or value != last:
            yield at, value
        last = value
