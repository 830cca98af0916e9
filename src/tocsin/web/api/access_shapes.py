"""What the API says of access: tokens, people's roles, sessions."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from tocsin.governance.core.config import Teams
from tocsin.governance.model import Token, TokenScope, User
from tocsin.governance.reads import OwnSession
from tocsin.kernel.access import Role
from tocsin.kernel.durations import seconds
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import Person

Duration = Annotated[str, Meta(max_length=40, description="How long it works, e.g. `90d`.")]
Password = Annotated[str, Meta(max_length=1000)]
Typed = Annotated[str, Meta(min_length=1, max_length=254)]
Name = Annotated[str, Meta(max_length=100)]
TeamNames = Annotated[tuple[Name, ...], Meta(max_length=50)]


class NewToken(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`rate`: alerts a second that intake takes from this token; null: unlimited.

    With `teams` the role counts in those alone; `integration` is what it sends for, its own
    name by default; without `expires_in` it works until it is revoked.
    """

    name: Name
    role: Role
    rate: Annotated[int, Meta(ge=1)] | None = None
    expires_in: Duration | None = None
    teams: TeamNames = ()
    integration: Name | None = None


class NewOwnToken(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token of one's own; no role means one's own."""

    name: Name
    role: Role | None = None
    expires_in: Duration | None = "90d"
    teams: TeamNames = ()


class Login(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who signs in, and what the token is to be called; one of the same name is replaced."""

    name: Typed
    password: Password
    token: Name = "cli"  # noqa: S105 - a name
    expires_in: Duration | None = "90d"


class TokenRow(Struct, frozen=True, kw_only=True):
    """A token, without its secret. `owner` is the person whose it is; null: a machine's."""

    id: UUID
    name: str
    role: Role
    rate: int | None
    teams: tuple[str, ...]
    integration: str | None
    owner: str | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class TokenShape(TokenRow, frozen=True, kw_only=True):
    """A new token; its secret is shown this once."""

    token: str


class TokenList(Struct, frozen=True, kw_only=True):
    """Machines' tokens, then people's, by name."""

    items: tuple[TokenRow, ...]
    next: str | None = None


class NewLink(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom the link signs in as."""

    role: Role = Role.ADMIN


class LinkShape(Struct, frozen=True, kw_only=True):
    """A URL that works once."""

    url: str
    expires_at: datetime | None = None


class NewRole(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person may do."""

    role: Role


class TeamRole(Struct, frozen=True):
    """A team that somebody belongs to, and their role in it."""

    team: str
    role: Role


class PersonAccess(Struct, frozen=True, kw_only=True):
    """A person. What access they have is null for who may not read that (`person:read`)."""

    id: UUID
    name: str
    display_name: str
    active: bool
    teams: tuple[TeamRole, ...]
    methods_count: int | None
    state: str | None
    role: Role | None
    signed_in_at: datetime | None


class PeopleList(Struct, frozen=True, kw_only=True):
    """Everybody, by name."""

    items: tuple[PersonAccess, ...]
    next: str | None = None


class SessionShape(Struct, frozen=True, kw_only=True):
    """A browser in which one is signed in; `is_current` is the one that asks."""

    id: UUID
    browser: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    is_current: bool


class SessionList(Struct, frozen=True, kw_only=True):
    """One's own sessions, the newest use first."""

    items: tuple[SessionShape, ...]
    next: str | None = None


class Ended(Struct, frozen=True):
    """How many sessions were ended."""

    ended_count: int


class NewPassword(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The present password, and the one to be."""

    current: Password
    new: Password


class Me(Struct, frozen=True, kw_only=True):
    """Who is asking, and what they may do: everywhere, and in which team what else."""

    kind: str
    id: UUID
    name: str
    role: Role
    permissions: tuple[str, ...]
    person: str | None = None
    teams: tuple[TeamRole, ...] = ()


def scope_of(wanted: NewToken | NewOwnToken | Login) -> TokenScope:
    """Read how far a token reaches. Raises Invalid."""
    lasts = wanted.expires_in
    return TokenScope(
        lasts_s=None if lasts is None else seconds(lasts, field="expires_in"),
        teams=() if isinstance(wanted, Login) else wanted.teams,
        integration=wanted.integration if isinstance(wanted, NewToken) else None,
    )


def token_row(token: Token, directory: Directory) -> TokenRow:
    """Say what the API says of a token."""
    return TokenRow(
        id=token.id, name=token.label, role=token.role, rate=token.rate,
        teams=token.teams or (), integration=token.integration,
        owner=directory.name_of(token.person_id) if token.person_id else None,
        created_at=token.created_at, expires_at=token.expires_at,
        last_used_at=token.last_used_at,
    )  # fmt: skip


def token_shape(token: Token, secret: str, directory: Directory) -> TokenShape:
    """Say what the API says of a new token."""
    row = token_row(token, directory)
    return TokenShape(
        token=secret, **{name: getattr(row, name) for name in TokenRow.__struct_fields__}
    )


def person_access(
    person: Person, teams: Teams, user: User | None, *, is_open: bool
) -> PersonAccess:
    """Say what the API says of a person; their access only if `is_open`."""
    roles = teams.roles_of(person.id)
    return PersonAccess(
        id=person.id, name=person.name, display_name=person.display_name,
        active=person.active,
        teams=tuple(TeamRole(team, roles[team]) for team in sorted(roles)),
        methods_count=len(person.methods) if is_open else None,
        state=(user.state.value if user else "none") if is_open else None,
        role=user.role if user and is_open else None,
        signed_in_at=user.signed_in_at if user and is_open else None,
    )  # fmt: skip


def session_shape(session: OwnSession) -> SessionShape:
    """Say what the API says of a session."""
    return SessionShape(
        id=session.id, browser=session.browser, created_at=session.created_at,
        last_seen_at=session.last_seen_at, expires_at=session.expires_at,
        is_current=session.is_current,
    )  # fmt: skip
