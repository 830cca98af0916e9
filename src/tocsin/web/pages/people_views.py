"""People, teams and tokens as screens show them. Pure."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from tocsin.governance.core.config import Team, Teams
from tocsin.governance.core.scope import PERSON_ROLES
from tocsin.governance.model import Token, User, UserState
from tocsin.kernel.access import Role
from tocsin.kernel.ids import PersonId
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import Person

_STATES = {
    None: ("no access", ""),
    UserState.INVITED: ("invited", "warn"),
    UserState.ACTIVE: ("", "ok"),
    UserState.DISABLED: ("disabled", "crit"),
}
_WORDS = {
    Role.VIEWER: "sees everything that is not restricted",
    Role.RESPONDER: "acknowledges pages and works on incidents",
    Role.MANAGER: "changes the configuration too",
    Role.ADMIN: "gives and takes access too",
    Role.AUDITOR: "sees everything and the log, changes nothing",
    Role.INTEGRATION: "sends alerts and changes, and nothing else",
}


class Membership(Struct, frozen=True):
    """A team that somebody belongs to, and their role in it."""

    team: str
    role: str


class PersonRow(Struct, frozen=True, kw_only=True):
    """A person in the list. `state` is said where it is not simply "may sign in"."""

    name: str
    display_name: str
    role: str
    state: str
    tone: str
    teams: tuple[Membership, ...]
    duties: tuple[str, ...]
    signed_in_at: datetime | None


class MemberView(Struct, frozen=True):
    """Somebody in a team."""

    name: str
    display_name: str
    role: str


class TeamView(Struct, frozen=True, kw_only=True):
    """A team and who is in it."""

    name: str
    display_name: str
    description: str
    members: tuple[MemberView, ...]


class TokenView(Struct, frozen=True, kw_only=True):
    """A token in a list. `owner` is the person whose it is; "": a machine's."""

    id: UUID
    name: str
    role: str
    teams: tuple[str, ...]
    owner: str
    sends_for: str
    rate: int | None
    created_at: datetime
    expires_at: datetime | None
    is_over: bool
    last_used_at: datetime | None


def person_row(
    person: Person, user: User | None, *, teams: Teams, duties: Sequence[str], is_open: bool
) -> PersonRow:
    """Show one person; their access only if `is_open`."""
    state, tone = _STATES[user.state if user else None]
    roles = teams.roles_of(person.id)
    return PersonRow(
        name=person.name,
        display_name=person.display_name,
        role=user.role if user and is_open else "",
        state="left" if not person.active else state if is_open else "",
        tone=tone if is_open and person.active else "",
        teams=tuple(Membership(team, roles[team]) for team in sorted(roles)),
        duties=tuple(duties),
        signed_in_at=user.signed_in_at if user and is_open else None,
    )


def team_view(team: Team, directory: Directory) -> TeamView:
    """Put a team together: its members by display name; those who are gone are left out."""
    found = [
        (directory.people[PersonId(uid)], role)
        for uid, role in team.members.items()
        if uid in directory.people
    ]
    members = (MemberView(one.name, one.display_name, role) for one, role in found)
    return TeamView(
        name=team.name,
        display_name=team.display_name,
        description=team.description,
        members=tuple(sorted(members, key=lambda one: one.display_name)),
    )


def token_view(token: Token, directory: Directory, now: datetime) -> TokenView:
    """Say whose a token is, what it may do and until when; never its secret."""
    return TokenView(
        id=token.id,
        name=token.label,
        role=token.role,
        teams=token.teams or (),
        owner=directory.name_of(token.person_id) if token.person_id else "",
        sends_for=token.integration or "",
        rate=token.rate,
        created_at=token.created_at,
        expires_at=token.expires_at,
        is_over=token.expires_at is not None and token.expires_at <= now,
        last_used_at=token.last_used_at,
    )


def role_choices(roles: Sequence[Role] = PERSON_ROLES) -> list[tuple[str, str]]:
    """Return the options of a choice of roles, each with what it means."""
    return [(role.value, f"{role.value.capitalize()}: {_WORDS[role]}") for role in roles]
