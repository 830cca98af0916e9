"""Who is behind a secret, and who has access by what; SELECT only."""

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from tocsin.governance.core.token_text import digest
from tocsin.governance.model import (
    SESSION_IDLE,
    Backup,
    Link,
    LogLevel,
    Session,
    Token,
    User,
    label_of,
)
from tocsin.governance.store import backups as backup_rows
from tocsin.governance.store import log_level as log_level_rows
from tocsin.governance.store import sessions as session_rows
from tocsin.governance.store import tokens as token_rows
from tocsin.governance.store import users as user_rows
from tocsin.kernel.ids import PersonId
from tocsin.kernel.rows import struct_row
from tocsin.kernel.unit import Unit

TOKENS_MAX = 2000


class OwnSession(Session, frozen=True, kw_only=True):
    """One of one's own sessions; `is_current` is the one that asks."""

    is_current: bool


async def log_level(conn: AsyncConnection[Any], now: datetime) -> LogLevel | None:
    """Return what is logged instead of what the settings say; each process asks for itself."""
    return await log_level_rows.log_level(conn, now)


async def last_backup(conn: AsyncConnection[Any]) -> Backup | None:
    """Return the newest backup, None if there is none; each process asks for itself."""
    return await backup_rows.last_backup(conn)


async def token(conn: AsyncConnection[Any], digest: bytes) -> Token | None:
    """Return the token behind a hash. Identity comes before permission, so nothing is required."""
    return await token_rows.by_hash(conn, digest)


async def session(conn: AsyncConnection[Any], digest: bytes, now: datetime) -> Session | None:
    """Return the session behind a hash, unless it is over, idle, or its person is disabled."""
    return await session_rows.session_by_hash(conn, digest, now, idle=SESSION_IDLE)


async def link(conn: AsyncConnection[Any], digest: bytes) -> Link | None:
    """Return the link behind a hash, without using it: mail scanners open links."""
    return await session_rows.link(conn, digest, lock=False)


async def is_first_start(conn: AsyncConnection[Any]) -> bool:
    """Say whether nobody has ever been given access."""
    cursor = await conn.execute(
        """
        SELECT NOT EXISTS (SELECT 1 FROM governance.tokens)
           AND NOT EXISTS (SELECT 1 FROM governance.sessions)
           AND NOT EXISTS (SELECT 1 FROM governance.users)
        """
    )
    row = await cursor.fetchone()
    return bool(row and row[0])


async def tokens(unit: Unit) -> list[Token]:
    """Return every token that is not revoked, machines' before people's, by name."""
    unit.require("token:read")
    unit.require_on("token:read", None)
    return await _tokens(unit, None)


async def token_labels(unit: Unit) -> dict[UUID, str]:
    """Return what machines' tokens are called, revoked ones too: the log holds ids alone."""
    unit.require("incident:read")
    cursor = await unit.conn.execute(
        """
        SELECT id, name
          FROM governance.tokens
         WHERE person_id IS NULL
         ORDER BY created_at DESC
         LIMIT %(limit)s
        """,
        {"limit": TOKENS_MAX},
    )
    return {id_: label_of(name) for id_, name in await cursor.fetchall()}


async def own_tokens(unit: Unit) -> list[Token]:
    """Return the tokens of the person who asks."""
    unit.require("self:write")
    return await _tokens(unit, unit.actor.person_id) if unit.actor.person_id else []


async def _tokens(unit: Unit, person_id: PersonId | None) -> list[Token]:
    async with unit.conn.cursor(row_factory=struct_row(Token)) as cursor:
        await cursor.execute(
            """
            SELECT id, name, role, rate, created_at, expires_at, last_used_at,
                   person_id, teams, integration
              FROM governance.tokens
             WHERE revoked_at IS NULL
               AND (%(person_id)s::uuid IS NULL OR person_id = %(person_id)s)
             ORDER BY person_id IS NOT NULL, name
             LIMIT %(limit)s
            """,
            {"person_id": person_id, "limit": TOKENS_MAX},
        )
        return await cursor.fetchall()


async def users(unit: Unit) -> dict[UUID, User]:
    """Return everybody's access, by the uid of the person."""
    unit.require("person:read")
    unit.require_on("person:read", None)
    async with unit.conn.cursor(row_factory=struct_row(User)) as cursor:
        await cursor.execute(
            """
            SELECT person_id, role, password, created_at, password_at, signed_in_at, disabled_at
              FROM governance.users
            """
        )
        return {user.person_id: user for user in await cursor.fetchall()}


async def own_user(unit: Unit) -> User | None:
    """Return the access of the person who asks."""
    unit.require("self:write")
    person_id = unit.actor.person_id
    return await user_rows.user(unit.conn, person_id) if person_id else None


async def own_sessions(unit: Unit, secret: str = "") -> list[OwnSession]:
    """Return the sessions of whoever asks, the newest use first; `secret` is this one's."""
    unit.require("self:write")
    async with unit.conn.cursor(row_factory=struct_row(OwnSession)) as cursor:
        await cursor.execute(
            """
            SELECT id, name, role, actor_id, person_id, created_at, expires_at,
                   coalesce(last_seen_at, created_at) AS last_seen_at, browser,
                   hash = %(digest)s AS is_current
              FROM governance.sessions
             WHERE actor_id = %(actor_id)s AND expires_at > %(now)s
             ORDER BY is_current DESC, last_seen_at DESC
             LIMIT 200
            """,
            {
                "actor_id": unit.actor.person_id or unit.actor.id,
                "digest": digest(secret),
                "now": unit.now,
            },
        )
        return await cursor.fetchall()
