"""Rows of users, and of how often something was tried."""

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from tocsin.governance.model import User
from tocsin.kernel.access import Role
from tocsin.kernel.ids import PersonId
from tocsin.kernel.rows import struct_row

Conn = AsyncConnection[Any]


async def user(conn: Conn, person_id: PersonId, *, lock: bool = False) -> User | None:
    """Return a person's access, locked until the transaction ends if `lock`."""
    query = """
        SELECT person_id, role, password, created_at, password_at, signed_in_at, disabled_at
          FROM governance.users
         WHERE person_id = %(person_id)s
        """
    async with conn.cursor(row_factory=struct_row(User)) as cursor:
        await cursor.execute(query + (" FOR UPDATE" if lock else ""), {"person_id": person_id})
        return await cursor.fetchone()


async def invite(conn: Conn, person_id: PersonId, role: Role, now: datetime) -> None:
    """Insert a user, or give one that was only invited another role."""
    await conn.execute(
        """
        INSERT INTO governance.users (person_id, role, created_at)
        VALUES (%(person_id)s, %(role)s, %(now)s)
            ON CONFLICT (person_id) DO UPDATE SET role = excluded.role
        """,
        {"person_id": person_id, "role": role, "now": now},
    )


async def admins_for_update(conn: Conn) -> list[UUID]:
    """Lock those who can sign in as an admin, so that no two go at once."""
    cursor = await conn.execute(
        """
        SELECT person_id
          FROM governance.users
         WHERE role = 'admin' AND disabled_at IS NULL AND password IS NOT NULL
         ORDER BY person_id
           FOR UPDATE
        """
    )
    return [row[0] for row in await cursor.fetchall()]


async def set_role(conn: Conn, person_id: PersonId, role: Role) -> None:
    """Change a role."""
    await conn.execute(
        "UPDATE governance.users SET role = %(role)s WHERE person_id = %(person_id)s",
        {"person_id": person_id, "role": role},
    )


async def set_disabled(conn: Conn, person_id: PersonId, at: datetime | None) -> None:
    """Disable at an instant, or enable."""
    await conn.execute(
        "UPDATE governance.users SET disabled_at = %(at)s WHERE person_id = %(person_id)s",
        {"person_id": person_id, "at": at},
    )


async def set_password(conn: Conn, person_id: PersonId, password: str, now: datetime) -> None:
    """Store a new password's hash."""
    await conn.execute(
        """
        UPDATE governance.users
           SET password = %(password)s, password_at = %(now)s
         WHERE person_id = %(person_id)s
        """,
        {"person_id": person_id, "password": password, "now": now},
    )


async def note_sign_in(
    conn: Conn, person_id: PersonId, now: datetime, *, rehashed: str | None
) -> None:
    """Note a sign-in, and the same password under newer parameters where there is one."""
    await conn.execute(
        """
        UPDATE governance.users
           SET signed_in_at = %(now)s, password = coalesce(%(rehashed)s, password)
         WHERE person_id = %(person_id)s
        """,
        {"person_id": person_id, "now": now, "rehashed": rehashed},
    )


async def limit_for_update(conn: Conn, key: bytes, now: datetime) -> datetime:
    """Lock a limit's row, made if it is new, and return its theoretical arrival time."""
    cursor = await conn.execute(
        """
        INSERT INTO governance.limits AS l (key, tat)
        VALUES (%(key)s, %(now)s)
            ON CONFLICT (key) DO UPDATE SET tat = l.tat
        RETURNING tat
        """,
        {"key": key, "now": now},
    )
    row = await cursor.fetchone()
    if row is None:
        raise AssertionError("INSERT … RETURNING gave no row")
    tat: datetime = row[0]
    return tat


async def save_limit(conn: Conn, key: bytes, tat: datetime) -> None:
    """Write a limit's row back."""
    await conn.execute(
        "UPDATE governance.limits SET tat = %(tat)s WHERE key = %(key)s",
        {"key": key, "tat": tat},
    )
