"""What a change of the configuration means for people: whom it pages instead of whom, from when.

Pure: two snapshots in, sentences out. Triage says which policy an alert takes, on-call whom a
policy calls first; the two are asked before and after, from one handoff to the next.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from tocsin.flows.paths import broken
from tocsin.flows.planning_words import Change, OffCall, Span, sentences
from tocsin.kernel.ids import PersonId, ScheduleId
from tocsin.kernel.snapshot import Snapshot
from tocsin.kernel.vocabulary import Labels, Urgency
from tocsin.oncall.core.assurance.stands import States
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.ladder import resolve
from tocsin.oncall.core.schedule import final
from tocsin.oncall.core.schedule.renumbering import renumbered
from tocsin.oncall.core.schedule.subscribed import under_new_names
from tocsin.oncall.core.schedule.timelines import said_in
from tocsin.oncall.core.schedule.versions import Edit, succeed
from tocsin.oncall.model import (
    PersonTarget,
    Plan,
    Policy,
    Schedule,
    ScheduleTarget,
    Target,
    Version,
)
from tocsin.topology.model import Catalogue
from tocsin.triage.core.routing import routes_of
from tocsin.triage.model import Route, Routing

HORIZON = timedelta(days=14)
PROVEN = timedelta(days=30)
People = frozenset[PersonId]


class Standing(Struct, frozen=True):
    """What decides beside the configuration: what was agreed, and which addresses are proved."""

    directory: Directory
    states: States


class Side(Struct, frozen=True):
    """The configuration before or after, as far as it decides who is called.

    Its directory knows the versions of schedules, and what was agreed beside them.
    """

    directory: Directory
    routing: Routing
    services: Mapping[str, Labels]  # by name, the labels of an alert that is about it

    def schedules_of(self, policies: Iterable[str]) -> dict[str, Schedule]:
        """Return the schedules that policies call, by name, in the order of their steps."""
        found: dict[str, Schedule] = {}
        for name in policies:
            for target in _targets(self.directory.policy(name)):
                if isinstance(target, ScheduleTarget):
                    schedule = self.directory.schedules.get(target.schedule)
                    if schedule is not None:
                        found[schedule.name] = schedule
        return found

    def called(self, policies: Iterable[str], at: datetime) -> People:
        """Return whom a page at `at` calls first: steps that reach nobody are passed over."""
        found: set[PersonId] = set()
        for name in policies:
            policy = self.directory.policy(name)
            found |= _first(policy, self.directory, at)
        return frozenset(found)

    def stands_on(self, policies: Iterable[str]) -> object:
        """Return all that `called` hangs on; equal on both sides, it calls the same people."""
        names = tuple(policies)
        schedules = self.schedules_of(names)
        found = [self.directory.policy(name) for name in names]
        targets = (t for one in found for t in _targets(one))
        ids = {t.person for t in targets if isinstance(t, PersonTarget)}
        ids |= {person for schedule in schedules.values() for person in schedule.people}
        people, versions = self.directory.people, self.directory.versions
        own = {name: versions.get(one.id) for name, one in schedules.items()}
        return found, schedules, own, {one: people.get(one) for one in ids}


def explain(
    before: Snapshot,
    after: Snapshot,
    now: datetime,
    starts_at: datetime,
    standing: object = None,
) -> list[str]:
    """Say what people would notice if `after` were in force from `starts_at` on.

    Looks fourteen days ahead, and thirty for who cannot be woken any more. Warnings come first;
    an empty list says that nobody would notice anything. `standing` is what stands beside the
    configuration; without it nothing is said of who can be woken.
    """
    known = standing.directory if isinstance(standing, Standing) else before.part(Directory)
    exact = starts_at > now
    was = carried(known, before.part(Directory), starts_at, exact=exact)
    old = _side(before, was)
    new = _side(after, carried(was, after.part(Directory), starts_at, exact=exact))
    changes = [*_subjects(old, new, starts_at), *_policies(old, new, starts_at)]
    off = list(_off_call(old, new, starts_at))

    def name(person_id: PersonId) -> str:
        directory = new.directory if person_id in new.directory.people else old.directory
        return directory.name_of(person_id)

    lost: Iterable[str] = ()
    if isinstance(standing, Standing):
        sides = (old.directory, old.routing), (new.directory, new.routing)
        lost = broken(*sides, standing.states, starts_at, starts_at + PROVEN)
    return [*lost, *sentences(changes, off, name=name, now=now, starts_at=starts_at)]


def carried(known: Directory, then: Directory, at: datetime, *, exact: bool) -> Directory:
    """Let the schedules of `then` go on where those of `known` are."""
    there = {key for key, one in then.people.items() if one.active}
    versions: dict[ScheduleId, Sequence[Version]] = {}
    overrides = known.overrides
    for key, after in then.schedules.items():
        before = known.schedules.get(key)
        overrides += under_new_names(known.overrides, before, after)
        edit = Edit(
            before=before, after=after, at=at, exact=exact, there=there,
            said=said_in(known.overrides, key),
        )  # fmt: skip
        was = known.versions.get(key, ())
        found = succeed(was, edit)
        overrides = renumbered(overrides, edit, was, found)
        if found:
            versions[key] = found
    return replace(then, versions=versions, overrides=overrides)


def _side(snapshot: Snapshot, directory: Directory) -> Side:
    services = snapshot.part(Catalogue).services.values()
    return Side(
        directory,
        snapshot.part(Routing),
        {
            one.name: {name: values[0] for name, values in one.labels.items() if values}
            for one in services
        },
    )


def _subjects(old: Side, new: Side, starts_at: datetime) -> Iterator[Change]:
    """Compare service by service, and route by route."""
    for name in sorted({**old.services, **new.services}):
        labels = new.services.get(name) or old.services[name]
        was, is_ = routes_of(labels, old.routing), routes_of(labels, new.routing)
        yield from _compared(name, _policies_of(was), _policies_of(is_), old, new, starts_at)
    known = {route.name: route for route in _routes(old)}
    for route in _routes(new):
        earlier = known.get(route.name)
        before = _policies_of([earlier]) if earlier else None
        label = "the default route" if route is new.routing.default else route.name
        yield from _compared(label, before, _policies_of([route]), old, new, starts_at)


def _routes(side: Side) -> list[Route]:
    return [*side.routing.routes, side.routing.default]


def _policies_of(routes: Iterable[Route]) -> tuple[str, ...]:
    """Return the policies that are paged; none for routes of low urgency, which wake nobody."""
    found = (route.policy for route in routes if route.urgency is not Urgency.LOW)
    return tuple(dict.fromkeys(found))


def _policies(old: Side, new: Side, starts_at: datetime) -> Iterator[Change]:
    """Compare the policies that no route takes: people are paged by them by hand."""
    routed = {name for side in (old, new) for name in _policies_of(_routes(side))}
    for name in sorted(new.directory.policies):
        if name not in routed and not (name == "default" and "" in routed):
            before = (name,) if name in old.directory.policies else None
            yield from _compared(f"policy {name}", before, (name,), old, new, starts_at)


def _compared(
    subject: str,
    before: tuple[str, ...] | None,
    after: tuple[str, ...],
    old: Side,
    new: Side,
    starts_at: datetime,
) -> Iterator[Change]:
    """Follow one subject from handoff to handoff."""
    if before is not None and old.stands_on(before) == new.stands_on(after):
        return
    was, is_ = old.schedules_of(before or ()), new.schedules_of(after)
    ends_at = starts_at + HORIZON
    plans = [*_plans(was, old, starts_at), *_plans(is_, new, starts_at)]
    moments = _moments(plans, starts_at, ends_at)
    spans = [
        Span(
            start_at=start,
            end_at=end,
            before=old.called(before, start) if before is not None else None,
            after=new.called(after, start),
        )
        for start, end in zip(moments, [*moments[1:], ends_at], strict=True)
    ]
    zone = next((one.zone for one in (*is_.values(), *was.values())), "UTC")
    yield Change(subject=subject, spans=tuple(spans), zone=zone, is_quiet=not after)


def _plans(
    schedules: Mapping[str, Schedule], side: Side, starts_at: datetime
) -> Iterator[Plan]:
    timelines = side.directory.timelines(starts_at)
    for one in schedules.values():
        with suppress(ValueError):  # broken: it reaches nobody at any time
            yield final(timelines[one.id], starts_at, starts_at + HORIZON)


def _moments(plans: Iterable[Plan], starts_at: datetime, ends_at: datetime) -> list[datetime]:
    """Return `starts_at` and each handoff up to `ends_at`, in order."""
    found = {starts_at}
    for plan in plans:
        found |= {at for one in plan.shifts for at in (one.start_at, one.end_at)}
    return sorted(at for at in found if starts_at <= at < ends_at)


def _targets(policy: Policy) -> Iterator[Target]:
    for step in policy.steps:
        yield from step.targets
    yield from policy.catch_all


def _first(policy: Policy, directory: Directory, at: datetime) -> People:
    ladder = resolve(policy, directory.people, directory.timelines(at), at)
    for rung in (*ladder.rungs, ladder.catch_all):
        if rung.reach:
            return frozenset(one.person_id for one in rung.reach)
    return frozenset()


def _off_call(old: Side, new: Side, starts_at: datetime) -> Iterator[OffCall]:
    """Say of each schedule who had a turn in the next fourteen days and has none any more."""
    for schedule in sorted(old.directory.schedules.values(), key=lambda one: one.name):
        after = new.directory.schedules.get(schedule.id)
        if after == schedule and old.directory.people == new.directory.people:
            continue
        before = _on_duty(schedule, old, starts_at)
        now = _on_duty(after, new, starts_at) if after else set()
        if gone := before - now:
            yield OffCall(schedule=schedule.name, zone=schedule.zone, people=frozenset(gone))


def _on_duty(schedule: Schedule, side: Side, starts_at: datetime) -> set[PersonId]:
    plans = _plans({schedule.name: schedule}, side, starts_at)
    return {who for plan in plans for shift in plan.shifts for who in shift.people}
