"""On-call's resources, as they are written in YAML, and what they compile to."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, cast
from uuid import UUID

from msgspec import Meta, Struct
from msgspec.structs import replace

from tocsin.kernel.durations import Duration, seconds
from tocsin.kernel.errors import Invalid
from tocsin.kernel.ids import PersonId, PolicyId, ScheduleId
from tocsin.kernel.snapshot import Resource, Resources
from tocsin.oncall.core import local_time
from tocsin.oncall.core.contacts import DEFAULTS, ContactDefaultsSpec, Contacts, methods
from tocsin.oncall.core.ladder import Ladder, resolve
from tocsin.oncall.model import (
    Page,
    Person,
    PersonTarget,
    Policy,
    Rotation,
    RotationUnit,
    ScheduleTarget,
    Step,
    Target,
)

CATCH_ALL = "catch-all"
DEFAULT = "default"
ASKED_TIMEOUT_S = 300
# stands in where no policy is configured at all: it calls nobody, so the page is UNPAGEABLE at once
NO_POLICY = Policy(id=PolicyId(UUID(int=0)), name="", steps=())

Text = Annotated[str, Meta(min_length=1, max_length=200)]


class PersonSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Somebody who can be paged; `contact` in the order in which it is tried."""

    display_name: Text
    timezone: str = "UTC"
    contact: Contacts = ()
    active: bool = True


class RotationSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Turns of `length` days or weeks, handed over at the wall-clock time of `start`."""

    start: Annotated[
        str,
        Meta(
            pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?$", examples=["2026-01-05T09:00"]
        ),
    ]
    every: RotationUnit
    length: Annotated[int, Meta(ge=1, le=366)] = 1
    people: Annotated[tuple[str, ...], Meta(min_length=1, max_length=200)]


class ScheduleSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is on call when."""

    timezone: str
    rotation: RotationSpec
    team: str | None = None


class TargetSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Either a person or a schedule."""

    person: str | None = None
    schedule: str | None = None


class StepSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to call, and how long to wait for an acknowledgement."""

    targets: Annotated[tuple[TargetSpec, ...], Meta(min_length=1, max_length=50)]
    timeout: Duration = "5m"


class PolicySpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Steps in order, `repeat` more rounds, then the catch-all until somebody acknowledges."""

    steps: Annotated[tuple[StepSpec, ...], Meta(min_length=1, max_length=20)]
    repeat: Annotated[int, Meta(ge=0, le=9)] = 1
    catch_all: tuple[TargetSpec, ...] = ()
    catch_all_every: Duration = "10m"
    ack_timeout: Duration = "30m"
    team: str | None = None


class Directory(Struct, frozen=True):
    """Everybody, every rotation and every policy of one revision."""

    people: Mapping[PersonId, Person]
    rotations: Mapping[ScheduleId, Rotation]
    policies: Mapping[str, Policy]

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

        Who does not answer is backed by the catch-all of the default policy: no page is lost.
        """
        if page.asked_person is None:
            return self.policy_by_id(page.policy_id)
        step = Step((PersonTarget(page.asked_person),), ASKED_TIMEOUT_S)
        return replace(self.policy(""), id=NO_POLICY.id, name="", steps=(step,))

    def ladder(self, policy_id: PolicyId, now: datetime) -> Ladder:
        """Say whom a policy reaches at `now`."""
        return resolve(self.policy_by_id(policy_id), self.people, self.rotations, now)

    def ladder_of(self, page: Page, now: datetime) -> Ladder:
        """Say whom a page reaches at `now`."""
        return resolve(self.policy_of(page), self.people, self.rotations, now)

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

    def name_of(self, person_id: UUID) -> str:
        """Return a person's name for people; somebody who is gone is 'a former member'."""
        person = self.people.get(PersonId(person_id))
        return person.display_name if person else "a former member"


def compile_directory(resources: Resources) -> Directory:
    """Turn the resources of one revision into nouns. Raises Invalid, naming the resource."""
    defaults = _defaults(resources)
    people = [_person(resource, defaults) for resource in resources.of("Person")]
    rotations = [_rotation(resource, resources) for resource in resources.of("Schedule")]
    policies = _policies(resources)
    return Directory(
        {person.id: person for person in people},
        {rotation.id: rotation for rotation in rotations},
        policies,
    )


def schedule_refs(spec: ScheduleSpec) -> Iterable[tuple[str, str, str]]:
    """Name the people a schedule points at."""
    people = [("Person", name, "spec.rotation.people") for name in spec.rotation.people]
    return [*people, *_team_ref(spec.team)]


def policy_refs(spec: PolicySpec) -> Iterable[tuple[str, str, str]]:
    """Name the people and schedules a policy points at. Raises Invalid for an empty target."""
    found = []
    for at, step in enumerate(spec.steps):
        found += [_ref(target, f"spec.steps[{at}].targets") for target in step.targets]
    found += [_ref(target, "spec.catchAll") for target in spec.catch_all]
    return [*found, *_team_ref(spec.team)]


def _team_ref(team: str | None) -> list[tuple[str, str, str]]:
    return [("Team", team, "spec.team")] if team else []


def _ref(target: TargetSpec, field: str) -> tuple[str, str, str]:
    if (target.person is None) == (target.schedule is None):
        raise Invalid(f"{field}: a target has either a person or a schedule", field=field)
    if target.person is not None:
        return ("Person", target.person, field)
    return ("Schedule", target.schedule or "", field)


def _defaults(resources: Resources) -> ContactDefaultsSpec:
    found = resources.of("ContactDefaults")
    for resource in found:
        if resource.name != DEFAULTS:
            raise Invalid(
                f"ContactDefaults/{resource.name}: there is only one, for everybody;"
                f" name it {DEFAULTS!r}", field="metadata.name",
            )  # fmt: skip
    return cast("ContactDefaultsSpec", found[0].spec) if found else ContactDefaultsSpec()


def _person(resource: Resource, defaults: ContactDefaultsSpec) -> Person:
    spec = cast("PersonSpec", resource.spec)
    _check_zone(spec.timezone, f"Person/{resource.name}")
    return Person(
        id=PersonId(cast("UUID", resource.uid)),
        name=resource.name,
        display_name=spec.display_name,
        methods=methods(spec.contact, defaults),
        zone=spec.timezone,
        active=spec.active,
    )


def _rotation(resource: Resource, resources: Resources) -> Rotation:
    spec = cast("ScheduleSpec", resource.spec)
    where = f"Schedule/{resource.name}"
    _check_zone(spec.timezone, where)
    try:
        datetime.fromisoformat(spec.rotation.start)
    except ValueError as error:
        raise Invalid(
            f"{where}: rotation.start: {error}", field="spec.rotation.start"
        ) from error
    return Rotation(
        id=ScheduleId(cast("UUID", resource.uid)),
        name=resource.name,
        zone=spec.timezone,
        starts_at_local=spec.rotation.start,
        unit=spec.rotation.every,
        length=spec.rotation.length,
        people=tuple(_person_id(name, resources) for name in spec.rotation.people),
    )


def _policies(resources: Resources) -> dict[str, Policy]:
    found = resources.of("EscalationPolicy")
    last = next((r for r in found if r.name == CATCH_ALL), None)
    shared: tuple[Target, ...] = ()
    if last is not None:
        steps = cast("PolicySpec", last.spec).steps
        shared = tuple(_target(t, resources) for step in steps for t in step.targets)
    return {r.name: _policy(r, resources, shared) for r in found}


def _policy(resource: Resource, resources: Resources, shared: tuple[Target, ...]) -> Policy:
    spec = cast("PolicySpec", resource.spec)
    where = f"EscalationPolicy/{resource.name}: spec"
    return Policy(
        id=PolicyId(cast("UUID", resource.uid)),
        name=resource.name,
        steps=tuple(
            Step(
                tuple(_target(target, resources) for target in step.targets),
                _at_least(step.timeout, 1, f"{where}.steps[{at}].timeout"),
            )
            for at, step in enumerate(spec.steps)
        ),
        repeat=spec.repeat,
        catch_all=tuple(_target(target, resources) for target in spec.catch_all) or shared,
        catch_every_s=_at_least(spec.catch_all_every, 1, f"{where}.catchAllEvery"),
        ack_timeout_s=_at_least(spec.ack_timeout, 0, f"{where}.ackTimeout"),
        team=spec.team,
    )


def _target(target: TargetSpec, resources: Resources) -> Target:
    if target.person is not None:
        return PersonTarget(_person_id(target.person, resources))
    uid = resources.uid("Schedule", target.schedule or "")
    return ScheduleTarget(ScheduleId(cast("UUID", uid)))


def _person_id(name: str, resources: Resources) -> PersonId:
    return PersonId(cast("UUID", resources.uid("Person", name)))


def _at_least(text: str, least_s: int, field: str) -> int:
    found = seconds(text, field=field)
    if found < least_s:
        raise Invalid(f"{field}: must be at least {least_s}s", field=field)
    return found


def _check_zone(zone: str, where: str) -> None:
    if not local_time.is_zone(zone):
        raise Invalid(
            f"{where}: spec.timezone: {zone!r} is no IANA time zone; write e.g. Europe/Berlin",
            field="spec.timezone",
        )
