"""Teams, as they are written in YAML, and what they compile to."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Annotated, cast
from uuid import UUID

from msgspec import Meta, Struct

from tocsin.governance.core.scope import TEAM_ROLES
from tocsin.kernel.access import Role
from tocsin.kernel.errors import Invalid
from tocsin.kernel.ids import PersonId
from tocsin.kernel.snapshot import Resource, Resources

NO_ROLES: Mapping[str, Role] = MappingProxyType({})
Text = Annotated[str, Meta(min_length=1, max_length=200)]


class MemberSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One person, and what they may do with what belongs to the team: viewer, responder, manager."""

    person: str
    role: Role = Role.RESPONDER


class TeamSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """People who own things together."""

    display_name: Text
    description: Annotated[str, Meta(max_length=2000)] = ""
    members: Annotated[tuple[MemberSpec, ...], Meta(max_length=500)] = ()


class Team(Struct, frozen=True, kw_only=True):
    """A team; `members` by the uid of the person."""

    id: UUID
    name: str
    display_name: str
    description: str
    members: Mapping[UUID, Role]


class Teams(Struct, frozen=True):
    """Every team of one revision, by name, and each person's roles in them."""

    by_name: Mapping[str, Team]
    roles: Mapping[UUID, Mapping[str, Role]]

    def roles_of(self, person_id: PersonId | None) -> Mapping[str, Role]:
        """Return what a person is in which team, by the team's name."""
        return NO_ROLES if person_id is None else self.roles.get(person_id, NO_ROLES)


def compile_teams(resources: Resources) -> Teams:
    """Turn the teams of one revision into nouns. Raises Invalid, naming the resource."""
    found = [_team(resource, resources) for resource in resources.of("Team")]
    roles: dict[UUID, dict[str, Role]] = {}
    for team in found:
        for person_id, role in team.members.items():
            roles.setdefault(person_id, {})[team.name] = role
    return Teams({team.name: team for team in found}, roles)


def team_refs(spec: TeamSpec) -> Iterable[tuple[str, str, str]]:
    """Name the people in a team. Raises Invalid for a role that no team gives, or a name twice."""
    seen: set[str] = set()
    for at, member in enumerate(spec.members):
        where = f"spec.members[{at}]"
        if member.role not in TEAM_ROLES:
            raise Invalid(
                f"{where}.role: nobody is {member.role} of a team; write one of"
                f" {', '.join(TEAM_ROLES)}",
                field=f"{where}.role",
            )
        if member.person in seen:
            raise Invalid(
                f"{where}.person: {member.person} stands twice; keep one of them",
                field=f"{where}.person",
            )
        seen.add(member.person)
    return [("Person", member.person, "spec.members") for member in spec.members]


def _team(resource: Resource, resources: Resources) -> Team:
    spec = cast("TeamSpec", resource.spec)
    return Team(
        id=cast("UUID", resource.uid),
        name=resource.name,
        display_name=spec.display_name,
        description=spec.description,
        members={
            cast("UUID", resources.uid("Person", member.person)): member.role
            for member in spec.members
        },
    )
