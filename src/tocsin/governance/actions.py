"""What can be asked about access: make tokens, sign in and out, issue and use one-time links."""

import hashlib
import re
import secrets
from datetime import timedelta
from uuid import UUID

from tocsin.governance import store
from tocsin.governance.events import LinkUsed, SignedIn, SignedOut, TokenCreated
from tocsin.governance.model import Link, LinkPurpose, Session, Token
from tocsin.kernel.access import Role
from tocsin.kernel.actor import Actor
from tocsin.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from tocsin.kernel.ids import uuid7
from tocsin.kernel.unit import Unit

SESSION_LASTS = timedelta(days=14)
SIGN_IN_LASTS = timedelta(hours=24)
ACKNOWLEDGE_LASTS = timedelta(days=2)
TOKEN_PREFIX = "tocsin_"  # noqa: S105 - what a secret scanner looks for, not a secret
RATE_MAX = 1_000_000
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}")


def digest(secret: str) -> bytes:
    """Return what is stored of a secret. It has 256 random bits, so a slow hash adds nothing."""
    return hashlib.sha256(secret.encode()).digest()


async def create_token(unit: Unit, name: str, role: Role, rate: int | None) -> str:
    """Create a token and return its secret, which is shown once and stored nowhere."""
    unit.require("token:create")
    if not _NAME.fullmatch(name):
        raise Invalid(
            f"{name!r} is no token name; use letters, digits, dot, dash (at most 63)",
            field="name",
        )
    if role is Role.SYSTEM:
        raise Invalid("the role system cannot be granted", field="role")
    if rate is not None and not 1 <= rate <= RATE_MAX:
        raise Invalid(f"rate: 1 to {RATE_MAX} alerts a second, or unlimited", field="rate")
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = Token(id=uuid7(), name=name, role=role, rate=rate, created_at=unit.now)
    if not await store.add_token(unit.conn, token, digest(secret)):
        raise Conflict(f"a token named {name!r} exists; choose another name")
    unit.record(TokenCreated(token_id=token.id, label=name, role=role))
    return secret


async def issue_sign_in(unit: Unit, role: Role, person_id: UUID | None = None) -> str:
    """Make a one-time sign-in link's secret."""
    unit.require("link:issue")
    return await _issue(unit, LinkPurpose.SIGN_IN, role, SIGN_IN_LASTS, person_id=person_id)


async def issue_acknowledge(unit: Unit, person_id: UUID, page_id: UUID) -> str:
    """Make the secret of a link by which one person can acknowledge one page."""
    unit.require("link:issue")
    return await _issue(
        unit,
        LinkPurpose.ACKNOWLEDGE,
        Role.RESPONDER,
        ACKNOWLEDGE_LASTS,
        person_id=person_id,
        page_id=page_id,
    )


async def _issue(
    unit: Unit,
    purpose: LinkPurpose,
    role: Role,
    lasts: timedelta,
    *,
    person_id: UUID | None = None,
    page_id: UUID | None = None,
) -> str:
    secret = secrets.token_urlsafe(24)
    link = Link(
        hash=digest(secret),
        purpose=purpose,
        person_id=person_id,
        page_id=page_id,
        role=role,
        expires_at=unit.now + lasts,
        used_at=None,
    )
    await store.add_link(unit.conn, link, unit.now)
    return secret


async def sign_in(unit: Unit, secret: str) -> str:
    """Turn a sign-in link into a session and return the session's secret; works once."""
    unit.require("link:issue")
    link = await store.link(unit.conn, digest(secret), lock=True)
    if link is None or link.purpose is not LinkPurpose.SIGN_IN:
        raise NotFound("this sign-in link is not known; make one with `tocsin link`")
    if link.used_at is not None or link.expires_at <= unit.now:
        raise Forbidden(
            "this sign-in link was used or has expired; make one with `tocsin link`"
        )
    await store.mark_used(unit.conn, link.hash, unit.now)
    session_secret = secrets.token_urlsafe(32)
    session = Session(
        name=str(link.role),
        role=link.role,
        actor_id=link.person_id or uuid7(),
        person_id=link.person_id,
        expires_at=unit.now + SESSION_LASTS,
    )
    await store.add_session(unit.conn, session, digest(session_secret), unit.now)
    unit.record(SignedIn(role=link.role, person_id=link.person_id))
    return session_secret


async def sign_out(unit: Unit, secret: str) -> None:
    """End a session."""
    unit.require("incident:read")
    await store.delete_session(unit.conn, digest(secret))
    unit.record(SignedOut(role=unit.actor.role))


async def use_acknowledge(unit: Unit, secret: str) -> Link:
    """Note that an acknowledge link is used and return what it is bound to.

    It may be used again while it lasts: a double tap must not look like a failure.
    Raises NotFound, or Forbidden when it has expired.
    """
    unit.require("link:issue")
    link = await store.link(unit.conn, digest(secret), lock=True)
    if link is None or link.purpose is not LinkPurpose.ACKNOWLEDGE:
        raise NotFound("this link is not known")
    if link.expires_at <= unit.now:
        raise Forbidden("this link has expired; sign in to acknowledge")
    if link.used_at is None and link.person_id and link.page_id:
        await store.mark_used(unit.conn, link.hash, unit.now)
        unit.record(LinkUsed(page_id=link.page_id, person_id=link.person_id))
    return link


async def forget_expired(unit: Unit) -> None:
    """Delete what has been over for a week."""
    unit.require("link:issue")
    await store.forget_expired(unit.conn, unit.now)


def actor_of_link(link: Link, name: str) -> Actor:
    """Return who acts by a link: the person it was sent to, with a responder's rights."""
    if link.person_id is None:
        raise Forbidden("this link is bound to nobody")
    return Actor(
        kind="link", id=link.person_id, name=name, role=link.role, person_id=link.person_id
    )
