"""What is allowed and yet loses pages, in words: policies, rotations and routes. Pure."""

from collections.abc import Iterable, Iterator

from tocsin.kernel.ids import PersonId
from tocsin.kernel.resources.model import Caution, Key
from tocsin.kernel.snapshot import Snapshot
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core.config import CATCH_ALL, DEFAULT, Directory
from tocsin.oncall.model import (
    PersonTarget,
    Policy,
    Schedule,
    ScheduleTarget,
    Target,
    TeamTarget,
)
from tocsin.triage.model import Route, Routing


def cautions(snapshot: Snapshot) -> list[Caution]:
    """Say what loses pages in a configuration, whatever the hour; the worst comes first."""
    directory = snapshot.part(Directory)
    routing = snapshot.part(Routing)
    routes = [*routing.routes, routing.default]
    return [
        *(one for route in routes for one in _route(route, directory)),
        *(one for policy in directory.policies.values() for one in _policy(policy, directory)),
        *(one for rota in directory.schedules.values() for one in _schedule(rota, directory)),
    ]


def _route(route: Route, directory: Directory) -> Iterator[Caution]:
    subject = "the default route" if route.name == DEFAULT else f"route {route.name}"
    key = ("Route", route.name)
    if route.urgency is Urgency.LOW and not route.policy:
        return  # it is meant to page nobody
    policy = directory.policy(route.policy)
    if not policy.name:
        words = f"{subject} pages nobody: there is no EscalationPolicy named {DEFAULT}; add one"
        yield _caution(words, key, ("EscalationPolicy", DEFAULT))
    elif not _reached(_targets(policy), directory):
        words = (
            f"{subject} pages nobody: nobody on policy {policy.name} is active and has a"
            " contact method"
        )
        yield _caution(words, key, ("EscalationPolicy", policy.name))


def _policy(policy: Policy, directory: Directory) -> Iterator[Caution]:
    key = ("EscalationPolicy", policy.name)
    ends = f"policy {policy.name} ends with nobody when nobody acknowledges:"
    if not policy.catch_all:
        words = f"{ends} add spec.catchAll, or an EscalationPolicy named {CATCH_ALL} for all"
        yield _caution(words, key, ("EscalationPolicy", CATCH_ALL))
    elif not _reached(policy.catch_all, directory):
        words = f"{ends} nobody in its catch-all is active and has a contact method"
        yield _caution(words, key, ("EscalationPolicy", CATCH_ALL))


def _schedule(schedule: Schedule, directory: Directory) -> Iterator[Caution]:
    for person_id in schedule.people:
        person = directory.people.get(person_id)
        if person is None or (person.active and person.methods):
            continue
        lacks = "has no contact method; add spec.contact" if person.active else "is not active"
        words = f"{person.display_name} takes turns in schedule {schedule.name} and {lacks}"
        yield _caution(words, ("Schedule", schedule.name), ("Person", person.name))


def _targets(policy: Policy) -> list[Target]:
    return [*(one for step in policy.steps for one in step.targets), *policy.catch_all]


def _reached(targets: Iterable[Target], directory: Directory) -> set[PersonId]:
    """Return whom targets can reach at one time or another."""
    found: set[PersonId] = set()
    for target in targets:
        if isinstance(target, PersonTarget):
            found.add(target.person)
        elif isinstance(target, ScheduleTarget):
            schedule = directory.schedules.get(target.schedule)
            found |= set(schedule.people) if schedule else set()
        elif isinstance(target, TeamTarget) and target.on_call:
            own = (one for one in directory.schedules.values() if one.team == target.team)
            found |= {who for schedule in own for who in schedule.people}
        elif isinstance(target, TeamTarget):
            found |= set(directory.teams.get(target.team, ()))
    people = (directory.people.get(one) for one in found)
    return {one.id for one in people if one is not None and one.active and one.methods}


def _caution(words: str, *about: Key) -> Caution:
    return Caution(words, frozenset(about))
