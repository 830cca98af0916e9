"""Rows of the messages that people send to themselves."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from tocsin.kernel.ids import PersonId
from tocsin.oncall.model import ContactTest


async def lock_person(conn: AsyncConnection[Any], person_id: PersonId) -> None:
    """Let one test of a person begin at a time, so that they can be counted."""
    await conn.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('contact test ' || %(id)s, 0))",
        {"id": str(person_id)},
    )


async def tests_since(
    conn: AsyncConnection[Any], person_id: PersonId, since: datetime
) -> tuple[int, datetime | None]:
    """Return how many tests a person has begun since then, and when the oldest of them was."""
    cursor = await conn.execute(
        """
        SELECT count(*), min(started_at)
          FROM oncall.contact_tests
         WHERE person_id = %(person_id)s AND started_at > %(since)s
        """,
        {"person_id": person_id, "since": since},
    )
    row = await cursor.fetchone()
    return (int(row[0]), row[1]) if row else (0, None)


async def add_test(conn: AsyncConnection[Any], test: ContactTest) -> None:
    """Insert a test that is about to be made."""
    await conn.execute(
        """
        INSERT INTO oncall.contact_tests
               (id, person_id, method, kind, show, started_at, fingerprint)
        VALUES (%(id)s, %(person_id)s, %(method)s, %(kind)s, %(show)s, %(started_at)s,
                %(fingerprint)s)
        """,
        {
            "id": test.id,
            "person_id": test.person_id,
            "method": test.method,
            "kind": test.kind,
            "show": test.show,
            "started_at": test.started_at,
            "fingerprint": test.fingerprint,
        },
    )


async def end_test(conn: AsyncConnection[Any], test: ContactTest) -> None:
    """Write how a test ended."""
    await conn.execute(
        """
        UPDATE oncall.contact_tests
           SET ended_at = %(ended_at)s, outcome = %(outcome)s, provider_id = %(provider_id)s,
               error = %(error)s
         WHERE id = %(id)s
        """,
        {
            "id": test.id,
            "ended_at": test.ended_at,
            "outcome": test.outcome,
            "provider_id": test.provider_id[:500],
            "error": test.error[:2000],
        },
    )


async def mark_tests_seen(
    conn: AsyncConnection[Any], person_id: PersonId, ids: Sequence[UUID] | None, now: datetime
) -> None:
    """Note that a person has opened these tests in their inbox (None: all of theirs)."""
    await conn.execute(
        """
        UPDATE oncall.contact_tests
           SET seen_at = %(now)s
         WHERE person_id = %(person_id)s AND kind = 'inbox' AND seen_at IS NULL
           AND (%(ids)s::uuid[] IS NULL OR id = ANY(%(ids)s))
        """,
        {"person_id": person_id, "ids": None if ids is None else list(ids), "now": now},
    )


async def mark_test_received(
    conn: AsyncConnection[Any], person_id: PersonId, test_id: UUID, now: datetime
) -> bool:
    """Note that the device has a test; False where it is not this person's, or was noted."""
    cursor = await conn.execute(
        """
        UPDATE oncall.contact_tests
           SET seen_at = %(now)s
         WHERE id = %(id)s AND person_id = %(person_id)s AND seen_at IS NULL
        """,
        {"id": test_id, "person_id": person_id, "now": now},
    )
    return cursor.rowcount == 1
