"""What a change of the configuration means for people: whom it pages instead of whom, from when.

Pure: two snapshots in, sentences out. Triage says which policy an alert takes, on-call whom a
policy calls first; the two are asked before and after, from one handoff to the next.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from tocsin.flows.planning_words import Change, OffCall, Span, sentences
from tocsin.kernel.ids import PersonId
from tocsin.kernel.snapshot import Snapshot
from tocsin.kernel.vocabulary import Labels, Urgency
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.ladder import resolve
from tocsin.oncall.core.rotation import on_call, shifts
from tocsin.oncall.model import Person, PersonTarget, Policy, Rotation, ScheduleTarget, Target
from tocsin.topology.model import Catalogue
from tocsin.triage.core.routing import routes_of
from tocsin.triage.model import Route, Routing

HORIZON = timedelta(days=14)
People = frozenset[PersonId]


class Side(Struct, frozen=True):
    """The configuration before or after, as far as it decides who is called."""

    directory: Directory
    routing: Routing
    services: Mapping[str, Labels]  # by name, the labels of an alert that is about it

    def rotations_of(self, policies: Iterable[str]) -> dict[str, Rotation]:
        """Return the rotations that policies call, by name, in the order of their steps."""
        found: dict[str, Rotation] = {}
        for name in policies:
            for target in _targets(self.directory.policy(name)):
                if isinstance(target, ScheduleTarget):
                    rotation = self.directory.rotations.get(target.schedule)
                    if rotation is not None:
                        found[rotation.name] = rotation
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
        rotations = self.rotations_of(names)
        found = [self.directory.policy(name) for name in names]
        targets = (t for one in found for t in _targets(one))
        ids = {t.person for t in targets if isinstance(t, PersonTarget)}
        ids |= {person for rotation in rotations.values() for person in rotation.people}
        people = self.directory.people
        return found, rotations, {one: people.get(one) for one in ids}


def explain(before: Snapshot, after: Snapshot, now: datetime, starts_at: datetime) -> list[str]:
    """Say what people would notice if `after` were in force from `starts_at` on.

    Looks fourteen days ahead. Warnings come first; an empty list says that nobody would
    notice anything.
    """
    old, new = _side(before), _side(after)
    changes = [*_subjects(old, new, starts_at), *_policies(old, new, starts_at)]
    off = list(_off_call(old, new, starts_at))

    def name(person_id: PersonId) -> str:
        directory = new.directory if person_id in new.directory.people else old.directory
        return directory.name_of(person_id)

    return sentences(changes, off, name=name, now=now, starts_at=starts_at)


def _side(snapshot: Snapshot) -> Side:
    services = snapshot.part(Catalogue).services.values()
    return Side(
        snapshot.part(Directory),
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
    was, is_ = old.rotations_of(before or ()), new.rotations_of(after)
    ends_at = starts_at + HORIZON
    moments = _moments([*was.values(), *is_.values()], starts_at, ends_at)
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


def _moments(
    rotations: Iterable[Rotation], starts_at: datetime, ends_at: datetime
) -> list[datetime]:
    """Return `starts_at` and each handoff up to `ends_at`, in order."""
    found = {starts_at}
    for rotation in rotations:
        try:
            turns = shifts(rotation, starts_at, ends_at)
        except ValueError:
            continue  # broken: it reaches nobody at any time
        found |= {at for turn in turns for at in (turn.start_at, turn.end_at)}
    return sorted(at for at in found if starts_at <= at < ends_at)


def _targets(policy: Policy) -> Iterator[Target]:
    for step in policy.steps:
        yield from step.targets
    yield from policy.catch_all


def _first(policy: Policy, directory: Directory, at: datetime) -> People:
    ladder = resolve(policy, directory.people, directory.rotations, at)
    for rung in (*ladder.rungs, ladder.catch_all):
        if rung.reach:
            return frozenset(one.person_id for one in rung.reach)
    return frozenset()


def _off_call(old: Side, new: Side, starts_at: datetime) -> Iterator[OffCall]:
    """Say of each schedule who had a turn in the next fourteen days and has none any more."""
    later = {one.name: one for one in new.directory.rotations.values()}
    for rotation in sorted(old.directory.rotations.values(), key=lambda one: one.name):
        after = later.get(rotation.name)
        if after == rotation and old.directory.people == new.directory.people:
            continue
        before = _on_duty(rotation, old.directory.people, starts_at)
        now = _on_duty(after, new.directory.people, starts_at) if after else set()
        if gone := before - now:
            yield OffCall(schedule=rotation.name, zone=rotation.zone, people=frozenset(gone))


def _on_duty(
    rotation: Rotation, people: Mapping[PersonId, Person], starts_at: datetime
) -> set[PersonId]:
    try:
        turns = shifts(rotation, starts_at, starts_at + HORIZON)
        turn = on_call(rotation, starts_at)
    except ValueError:
        return set()
    found = {one.person_id for one in (*turns, *([turn] if turn else []))}
    return {one for one in found if one in people and people[one].active}
