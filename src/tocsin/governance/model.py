"""The nouns of access: users, tokens, sessions, one-time links."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal
from uuid import UUID

from msgspec import Struct

from tocsin.kernel.access import Role
from tocsin.kernel.ids import PersonId

SESSION_LASTS = timedelta(days=30)
SESSION_IDLE = timedelta(days=7)


def label_of(name: str) -> str:
    """Return a token's name as it was given, from the name that it is stored by."""
    return name.rpartition("/")[2].partition("~")[0]


class Token(Struct, frozen=True, kw_only=True):
    """A machine's identity, or a person's own for their scripts (`person_id`).

    `rate` is its intake limit in alerts a second (None: unlimited). With `teams` the role counts
    in those alone, and elsewhere it is a viewer. `person_role` is what the person is now: no
    token of theirs is more than that.
    """

    id: UUID
    name: str
    role: Role
    rate: int | None
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    person_id: PersonId | None = None
    teams: tuple[str, ...] | None = None
    integration: str | None = None
    person_role: Role | None = None

    @property
    def label(self) -> str:
        """The name that was given: a personal one carries its owner, a revoked one its id."""
        return label_of(self.name)


class Session(Struct, frozen=True, kw_only=True):
    """A signed-in browser."""

    id: UUID
    name: str
    role: Role
    actor_id: UUID
    person_id: PersonId | None
    created_at: datetime
    expires_at: datetime
    last_seen_at: datetime
    browser: str = ""


class LinkPurpose(StrEnum):
    """What a one-time link is good for."""

    ACKNOWLEDGE = "acknowledge"
    SIGN_IN = "sign-in"
    INVITE = "invite"
    RESET = "reset"


SETS_PASSWORD = (LinkPurpose.INVITE, LinkPurpose.RESET)


class Link(Struct, frozen=True, kw_only=True):
    """A one-time link: bound to a purpose, a person and a page, and it expires."""

    hash: bytes
    purpose: LinkPurpose
    person_id: PersonId | None
    page_id: UUID | None
    role: Role
    expires_at: datetime
    used_at: datetime | None


class UserState(StrEnum):
    """INVITED: no password yet."""

    INVITED = "invited"
    ACTIVE = "active"
    DISABLED = "disabled"


class User(Struct, frozen=True, kw_only=True):
    """A person's access; the person is the resource of that uid. `password` is an argon2id hash."""

    person_id: PersonId
    role: Role
    password: str | None = None
    created_at: datetime
    password_at: datetime | None = None
    signed_in_at: datetime | None = None
    disabled_at: datetime | None = None

    @property
    def state(self) -> UserState:
        """Whether they can sign in."""
        if self.disabled_at is not None:
            return UserState.DISABLED
        return UserState.ACTIVE if self.password else UserState.INVITED


class Issued(Struct, frozen=True):
    """A one-time link's secret, shown once, and when it ends."""

    secret: str
    expires_at: datetime


class MadeToken(Struct, frozen=True):
    """A new token and its secret, shown once."""

    token: Token
    secret: str


class TokenScope(Struct, frozen=True, kw_only=True):
    """How long a new token works, in which teams, and for which integration it sends."""

    lasts_s: int | None = None
    teams: tuple[str, ...] = ()
    integration: str | None = None


ANYWHERE = TokenScope()


Level = Literal["debug", "info", "warning", "error"]


class LogLevel(Struct, frozen=True):
    """What is logged instead of what the settings say, and until when."""

    level: Level
    until: datetime


class Backup(Struct, frozen=True, kw_only=True):
    """One backup: what was committed at `taken_at` is in it."""

    taken_at: datetime
    row_count: int
    bytes: int
