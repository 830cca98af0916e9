"""Sessions: sign in by link or by password, see that they are used, and end them."""

import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from tocsin.governance.actions.limits import forgive, is_left, spend
from tocsin.governance.core.limit import (
    FAILED_RECORD,
    LINK_ADDRESS,
    SIGN_IN_ACCOUNT,
    SIGN_IN_ADDRESS,
)
from tocsin.governance.core.token_text import digest
from tocsin.governance.events import (
    PasswordSet,
    SessionsEnded,
    SignedIn,
    SignedOut,
    SignInFailed,
)
from tocsin.governance.model import (
    SESSION_IDLE,
    SESSION_LASTS,
    SETS_PASSWORD,
    Link,
    LinkPurpose,
    Session,
    User,
    UserState,
)
from tocsin.governance.store import sessions as store
from tocsin.governance.store import users
from tocsin.kernel.access import Role
from tocsin.kernel.errors import Conflict, Forbidden, NotFound, Unauthenticated
from tocsin.kernel.ids import PersonId, uuid7
from tocsin.kernel.unit import Unit

SEEN_EVERY = timedelta(minutes=1)
# one sentence for all of them: who guesses learns neither names nor states
WRONG = "name and password do not go together; ask an admin for a link if you have lost yours"
OVER = "this link was used or has expired; ask an admin for a new one"


async def sign_in(unit: Unit, secret: str, *, browser: str = "", old: str = "") -> str:
    """Turn a sign-in link into a session and return the session's secret; works once.

    `old` is the session that this browser had: it ends.
    """
    unit.require("session:open")
    link = await store.link(unit.conn, digest(secret), lock=True)
    if link is None or link.purpose is not LinkPurpose.SIGN_IN:
        raise NotFound("this sign-in link is not known; make one with `tocsin link`")
    if link.used_at is not None or link.expires_at <= unit.now:
        raise Forbidden(
            "this sign-in link was used or has expired; make one with `tocsin link`"
        )
    await store.mark_used(unit.conn, link.hash, unit.now)
    unit.record(SignedIn(role=link.role, person_id=link.person_id))
    return await _open(unit, link.role, link.person_id, browser=browser, old=old)


async def try_sign_in(
    unit: Unit, *, account: str, address: str, person_id: PersonId | None
) -> User | None:
    """Count a try of a password, and return whom it may sign in. Raises TooMany.

    `account` is what was typed, whether or not there is anybody of that name.
    """
    unit.require("session:open")
    await spend(unit.conn, SIGN_IN_ADDRESS, address, unit.now)
    await spend(unit.conn, SIGN_IN_ACCOUNT, account.casefold(), unit.now)
    user = await users.user(unit.conn, person_id) if person_id else None
    return user if user is not None and user.state is UserState.ACTIVE else None


async def note_failed(unit: Unit, person_id: PersonId | None) -> None:
    """Record that a password was wrong, at most every ten minutes for one account."""
    unit.require("session:open")
    if await is_left(unit.conn, FAILED_RECORD, str(person_id), unit.now):
        unit.record(SignInFailed(person_id=person_id))


async def forgive_try(unit: Unit, *, account: str, address: str) -> None:
    """Give back the try of a password that was right."""
    unit.require("session:open")
    await forgive(unit.conn, SIGN_IN_ADDRESS, address, unit.now)
    await forgive(unit.conn, SIGN_IN_ACCOUNT, account.casefold(), unit.now)


async def prove(unit: Unit, user: User, *, rehashed: str | None = None) -> User:
    """Take over that a password was right, and under newer parameters its hash.

    Raises Unauthenticated when password or access have changed while it was checked.
    """
    unit.require("session:open")
    now = await users.user(unit.conn, user.person_id, lock=True)
    if now is None or now.state is not UserState.ACTIVE or now.password != user.password:
        raise Unauthenticated(WRONG)
    await users.note_sign_in(unit.conn, user.person_id, unit.now, rehashed=rehashed)
    return now


async def open_session(unit: Unit, user: User, *, browser: str = "", old: str = "") -> str:
    """Sign a browser in whose person has proved who they are, and return the session's secret."""
    unit.require("session:open")
    unit.record(SignedIn(role=user.role, person_id=user.person_id, by="password"))
    return await _open(unit, user.role, user.person_id, browser=browser, old=old)


async def try_link(unit: Unit, secret: str, address: str) -> Link:
    """Count a use of a link that sets a password, and return it unused. Raises TooMany, NotFound."""
    unit.require("session:open")
    await spend(unit.conn, LINK_ADDRESS, address, unit.now)
    return await _password_link(unit, secret)


async def set_password_by_link(
    unit: Unit, secret: str, password: str, *, browser: str = "", old: str = ""
) -> str:
    """Set the hash `password` by a link, end all sessions, and return a new one; works once."""
    unit.require("session:open")
    link = await _password_link(unit, secret)
    user = await users.user(unit.conn, link.person_id, lock=True) if link.person_id else None
    if user is None or user.state is UserState.DISABLED:
        raise Forbidden(OVER)
    await store.mark_used(unit.conn, link.hash, unit.now)
    await _set_password(unit, user.person_id, password, keep=None)
    unit.record(PasswordSet(person_id=user.person_id, by=link.purpose))
    unit.record(SignedIn(role=user.role, person_id=user.person_id, by=link.purpose))
    await users.note_sign_in(unit.conn, user.person_id, unit.now, rehashed=None)
    return await _open(unit, user.role, user.person_id, browser=browser, old=old)


async def change_password(unit: Unit, user: User, password: str, session: str = "") -> None:
    """Set the hash `password` of one's own, and end one's other sessions.

    `user` is what the old password was checked against. Raises Conflict when that has changed.
    """
    unit.require("self:write")
    now = await users.user(unit.conn, user.person_id, lock=True)
    if unit.actor.person_id != user.person_id or now is None:
        raise Forbidden("only a person changes their own password")
    if now.password != user.password:
        raise Conflict("your password was changed meanwhile; sign in again")
    keep = digest(session) if session else None
    await _set_password(unit, user.person_id, password, keep=keep)
    unit.record(PasswordSet(person_id=user.person_id, by="account"))


async def sign_out(unit: Unit, secret: str) -> None:
    """End a session."""
    unit.require("incident:read")
    await store.delete_session(unit.conn, digest(secret))
    unit.record(SignedOut(role=unit.actor.role))


async def end_session(unit: Unit, session_id: UUID) -> None:
    """End one of one's own sessions. Raises NotFound."""
    unit.require("self:write")
    ended = await store.delete_sessions(unit.conn, _whose(unit), only=session_id)
    if not ended:
        raise NotFound("you have no such session; it may have ended already")
    _record_ended(unit, ended)


async def end_other_sessions(unit: Unit, session: str = "") -> int:
    """End one's own sessions but the one of this secret, and say how many those were."""
    unit.require("self:write")
    keep = digest(session) if session else None
    ended = await store.delete_sessions(unit.conn, _whose(unit), keep=keep)
    _record_ended(unit, ended)
    return len(ended)


async def note_seen(conn: AsyncConnection[Any], session: Session, now: datetime) -> None:
    """Write down that a browser is in use, if that was not written a moment ago."""
    if session.last_seen_at <= now - SEEN_EVERY:
        await store.note_seen(conn, session.id, now)


async def forget_expired(unit: Unit) -> None:
    """Delete what has been over for a week."""
    unit.require("link:issue")
    await store.forget_expired(unit.conn, unit.now, idle=SESSION_IDLE)


async def _open(
    unit: Unit, role: Role, person_id: PersonId | None, *, browser: str, old: str
) -> str:
    """Start a session under a secret that nobody had before, and end the browser's last one."""
    if old:
        await store.delete_session(unit.conn, digest(old))
    secret = secrets.token_urlsafe(32)
    session = Session(
        id=uuid7(),
        name=str(role),
        role=role,
        actor_id=person_id or uuid7(),
        person_id=person_id,
        created_at=unit.now,
        expires_at=unit.now + SESSION_LASTS,
        last_seen_at=unit.now,
        browser=browser,
    )
    await store.add_session(unit.conn, session, digest(secret))
    return secret


async def _password_link(unit: Unit, secret: str) -> Link:
    link = await store.link(unit.conn, digest(secret), lock=True)
    if link is None or link.purpose not in SETS_PASSWORD:
        raise NotFound("this link is not known; ask an admin for a new one")
    if link.used_at is not None or link.expires_at <= unit.now:
        raise Forbidden(OVER)
    return link


async def _set_password(
    unit: Unit, person_id: PersonId, password: str, *, keep: bytes | None
) -> None:
    await users.set_password(unit.conn, person_id, password, unit.now)
    await store.void_password_links(unit.conn, person_id, unit.now)
    ended = await store.delete_sessions(unit.conn, person_id, keep=keep)
    if ended:
        unit.record(SessionsEnded(person_id=person_id, sessions=tuple(ended)))


def _record_ended(unit: Unit, ended: list[UUID]) -> None:
    if ended:
        unit.record(SessionsEnded(person_id=unit.actor.person_id, sessions=tuple(ended)))


def _whose(unit: Unit) -> UUID:
    return unit.actor.person_id or unit.actor.id
