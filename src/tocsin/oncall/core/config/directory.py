"""Everybody, every schedule and every policy of one revision."""

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Protocol, cast
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.errors import Invalid
from tocsin.kernel.ids import PersonId, PolicyId, ScheduleId
from tocsin.kernel.snapshot import Resources
from tocsin.oncall.core.config.checks import person_id
from tocsin.oncall.core.config.layers import to_schedule
from tocsin.oncall.core.config.people import contact_defaults, to_person
from tocsin.oncall.core.config.policies import CATCH_ALL, to_policies
from tocsin.oncall.core.ladder import Ladder, Teams, resolve
from tocsin.oncall.core.schedule.timelines import Timelines
from tocsin.oncall.model import (
    MethodKind,
    Override,
    Page,
    Person,
    PersonTarget,
    Policy,
    Schedule,
    Step,
    Timeline,
    Version,
)

DEFAULT = "default"
ASKED_TIMEOUT_S = 300
# stands in where no policy is configured at all: it calls nobody, so the page is UNPAGEABLE at once
NO_POLICY = Policy(id=PolicyId(UUID(int=0)), name="", steps=())


class Directory(Struct, frozen=True):
    """Everybody, every schedule and every policy of one revision.

    `versions` are those of schedules that have been edited. `overrides` are known where they were
    loaded: see `reads.directory` and `actions/loading.py`; without them the layers alone decide.
    """

    people: Mapping[PersonId, Person]
    schedules: Mapping[ScheduleId, Schedule]
    policies: Mapping[str, Policy]
    versions: Mapping[ScheduleId, Sequence[Version]] = MappingProxyType({})
    overrides: tuple[Override, ...] = ()
    teams: Teams = MappingProxyType({})

    def timelines(self, now: datetime | None) -> Timelines:
        """Return all that decides who has a schedule; who is not there is absent from `now` on."""
        return Timelines(self.schedules, self.people, self.versions, self.overrides, now)

    def timeline(self, schedule: Schedule, now: datetime | None) -> Timeline:
        """Return all that decides who has one schedule."""
        return self.timelines(now)[schedule.id]

    def policy(self, name: str) -> Policy:
        """Return the policy of this name, else the default, else the catch-all, else none."""
        for candidate in (name, DEFAULT, CATCH_ALL):
            if candidate in self.policies:
                return self.policies[candidate]
        return NO_POLICY

    def policy_by_id(self, policy_id: PolicyId) -> Policy:
        """Return a page's policy; one that has been deleted is replaced by the default."""
        for policy in self.policies.values():
            if policy.id == policy_id:
                return policy
        return self.policy("")

    def policy_of(self, page: Page) -> Policy:
        """Return by what a page calls: its policy, or the one person whom somebody asked for.

        Whom it was handed to is called before that.

        Who does not answer is backed by the catch-all of the default policy: no page is lost.
        """
        if page.asked_person is None:
            found = self.policy_by_id(page.policy_id)
        else:
            step = Step((PersonTarget(page.asked_person),), ASKED_TIMEOUT_S)
            found = replace(self.policy(""), id=NO_POLICY.id, name="", steps=(step,))
        if page.assigned is None:
            return found
        first = Step((page.assigned,), ASKED_TIMEOUT_S)
        return replace(found, steps=(first, *found.steps))

    def ladder(self, policy_id: PolicyId, now: datetime) -> Ladder:
        """Say whom a policy reaches at `now`."""
        policy = self.policy_by_id(policy_id)
        return resolve(policy, self.people, self.timelines(now), now, self.teams)

    def ladder_of(self, page: Page, now: datetime) -> Ladder:
        """Say whom a page reaches at `now`."""
        return resolve(self.policy_of(page), self.people, self.timelines(now), now, self.teams)

    def person_named(self, name: str) -> Person:
        """Return a person by the name of their resource. Raises Invalid."""
        if found := self.find_person(name):
            return found
        raise Invalid(
            f"there is no person named {name!r}; `tocsin oncall who` names who is there",
            field="person",
        )

    def find_person(self, name: str) -> Person | None:
        """Return a person by the name of their resource, if there is one."""
        return next((one for one in self.people.values() if one.name == name), None)

    def names_of(self, people: Iterable[UUID]) -> str:
        """Return the names of several people, e.g. of those who have a turn together."""
        return " and ".join(self.name_of(one) for one in people)

    def name_of(self, person_id: UUID) -> str:
        """Return a person's name for people; somebody who is gone is 'a former member'."""
        person = self.people.get(PersonId(person_id))
        return person.display_name if person else "a former member"


def compile_directory(
    resources: Resources, channels: Container[MethodKind] = frozenset(MethodKind)
) -> Directory:
    """Turn the resources of one revision into nouns. Raises Invalid, naming the resource.

    `channels` are by what this Tocsin can send.
    """
    defaults = contact_defaults(resources)
    people = [to_person(resource, defaults, channels) for resource in resources.of("Person")]
    schedules = [to_schedule(resource, resources) for resource in resources.of("Schedule")]
    policies = to_policies(resources)
    return Directory(
        {person.id: person for person in people},
        {schedule.id: schedule for schedule in schedules},
        policies,
        teams=_teams(resources),
    )


class _Member(Protocol):
    person: str


class _Team(Protocol):
    members: Sequence[_Member]


def _teams(resources: Resources) -> dict[str, tuple[PersonId, ...]]:
    """Read who is in which team; what a team is otherwise is not ours to know."""
    return {
        team.name: tuple(
            person_id(one.person, resources) for one in cast("_Team", team.spec).members
        )
        for team in resources.of("Team")
    }
