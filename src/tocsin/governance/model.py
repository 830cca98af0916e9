"""The nouns of access: tokens, sessions, one-time links."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from tocsin.kernel.access import Role


class Token(Struct, frozen=True, kw_only=True):
    """A machine's identity. `rate` is its intake limit in alerts a second; None: unlimited."""

    id: UUID
    name: str
    role: Role
    rate: int | None
    created_at: datetime
    revoked_at: datetime | None = None


class Session(Struct, frozen=True, kw_only=True):
    """A signed-in browser."""

    name: str
    role: Role
    actor_id: UUID
    person_id: UUID | None
    expires_at: datetime


class LinkPurpose(StrEnum):
    """What a one-time link is good for."""

    ACKNOWLEDGE = "acknowledge"
    SIGN_IN = "sign-in"


class Link(Struct, frozen=True, kw_only=True):
    """A one-time link: bound to a purpose, a person and a page, and it expires."""

    hash: bytes
    purpose: LinkPurpose
    person_id: UUID | None
    page_id: UUID | None
    role: Role
    expires_at: datetime
    used_at: datetime | None
