"""Rows of what is known of addresses, and of the codes that prove them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from psycopg import AsyncConnection

from tocsin.kernel.ids import PersonId
from tocsin.kernel.rows import struct_row
from tocsin.oncall.model import ContactCode, MethodKind

QUIET_FOR = timedelta(seconds=10)
"""News of one address is written this often at most: a thousand pages may go to it at once."""


class Address(Struct, frozen=True, kw_only=True):
    """Whose address it is, and under what it is known."""

    person_id: PersonId
    fingerprint: str
    kind: MethodKind


async def verify(conn: AsyncConnection[Any], address: Address, by: str, now: datetime) -> bool:
    """Note that an address is proved; False when it was so already."""
    cursor = await conn.execute(
        """
        INSERT INTO oncall.contact_states AS known
               (person_id, fingerprint, kind, verified_at, verified_by)
        VALUES (%(person_id)s, %(fingerprint)s, %(kind)s, %(now)s, %(by)s)
            ON CONFLICT (person_id, fingerprint) DO UPDATE
           SET verified_at = excluded.verified_at, verified_by = excluded.verified_by,
               dropped_at = NULL, error = ''
         WHERE known.verified_at IS NULL OR known.dropped_at IS NOT NULL
        """,
        {
            "person_id": address.person_id,
            "fingerprint": address.fingerprint,
            "kind": address.kind,
            "by": by,
            "now": now,
        },
    )
    return cursor.rowcount == 1


async def unverify(
    conn: AsyncConnection[Any], address: Address, why: str, now: datetime
) -> bool:
    """Note that an address is not proved any more; False when it was not before."""
    cursor = await conn.execute(
        """
        UPDATE oncall.contact_states
           SET verified_at = NULL, verified_by = '', dropped_at = %(now)s, error = %(why)s
         WHERE person_id = %(person_id)s AND fingerprint = %(fingerprint)s
           AND verified_at IS NOT NULL
        """,
        {
            "person_id": address.person_id,
            "fingerprint": address.fingerprint,
            "why": why[:500],
            "now": now,
        },
    )
    return cursor.rowcount == 1


async def note_sent(conn: AsyncConnection[Any], address: Address, now: datetime) -> None:
    """Note that a provider took something for an address; never waits for another who notes it.

    What was dropped is there again: the provider takes it.
    """
    await conn.execute(
        """
        WITH free AS (
            SELECT person_id, fingerprint
              FROM oncall.contact_states
             WHERE person_id = %(person_id)s AND fingerprint = %(fingerprint)s
               AND (sent_at IS NULL OR sent_at < %(quiet_since)s OR sent_at <= failed_at
                    OR dropped_at IS NOT NULL)
               FOR UPDATE SKIP LOCKED
        ), noted AS (
            UPDATE oncall.contact_states s
               SET sent_at = %(now)s, dropped_at = NULL
              FROM free
             WHERE s.person_id = free.person_id AND s.fingerprint = free.fingerprint
        )
        INSERT INTO oncall.contact_states (person_id, fingerprint, kind, sent_at)
        SELECT %(person_id)s, %(fingerprint)s, %(kind)s, %(now)s
         WHERE NOT EXISTS (SELECT FROM oncall.contact_states
                            WHERE person_id = %(person_id)s AND fingerprint = %(fingerprint)s)
            ON CONFLICT (person_id, fingerprint) DO NOTHING
        """,
        _news(address, now),
    )


async def note_failed(
    conn: AsyncConnection[Any], address: Address, error: str, now: datetime, *, is_gone: bool
) -> None:
    """Note that an address failed; `is_gone`: the provider said that it is wrong."""
    await conn.execute(
        """
        WITH free AS (
            SELECT person_id, fingerprint
              FROM oncall.contact_states
             WHERE person_id = %(person_id)s AND fingerprint = %(fingerprint)s
               AND (failed_at IS NULL OR failed_at < %(quiet_since)s OR failed_at <= sent_at
                    OR (%(is_gone)s AND dropped_at IS NULL))
               FOR UPDATE SKIP LOCKED
        ), noted AS (
            UPDATE oncall.contact_states s
               SET failed_at = %(now)s, error = %(error)s,
                   dropped_at = CASE WHEN %(is_gone)s THEN %(now)s ELSE s.dropped_at END
              FROM free
             WHERE s.person_id = free.person_id AND s.fingerprint = free.fingerprint
        )
        INSERT INTO oncall.contact_states
               (person_id, fingerprint, kind, failed_at, error, dropped_at)
        SELECT %(person_id)s, %(fingerprint)s, %(kind)s, %(now)s, %(error)s,
               CASE WHEN %(is_gone)s THEN %(now)s END
         WHERE NOT EXISTS (SELECT FROM oncall.contact_states
                            WHERE person_id = %(person_id)s AND fingerprint = %(fingerprint)s)
            ON CONFLICT (person_id, fingerprint) DO NOTHING
        """,
        _news(address, now) | {"error": error[:500], "is_gone": is_gone},
    )


def _news(address: Address, now: datetime) -> dict[str, object]:
    return {
        "person_id": address.person_id,
        "fingerprint": address.fingerprint,
        "kind": address.kind,
        "now": now,
        "quiet_since": now - QUIET_FOR,
    }


async def note_received(
    conn: AsyncConnection[Any], person_id: PersonId, fingerprint: str, now: datetime
) -> None:
    """Note that the device of an address said that it has something."""
    await conn.execute(
        """
        UPDATE oncall.contact_states
           SET received_at = %(now)s
         WHERE person_id = %(person_id)s AND fingerprint = %(fingerprint)s
        """,
        {"person_id": person_id, "fingerprint": fingerprint, "now": now},
    )


async def codes_since(
    conn: AsyncConnection[Any], person_id: PersonId, since: datetime
) -> tuple[int, datetime | None]:
    """Return how many codes a person has asked for since then, and when the oldest of them was."""
    cursor = await conn.execute(
        """
        SELECT count(*), min(sent_at)
          FROM oncall.contact_codes
         WHERE person_id = %(person_id)s AND sent_at > %(since)s
        """,
        {"person_id": person_id, "since": since},
    )
    row = await cursor.fetchone()
    return (int(row[0]), row[1]) if row else (0, None)


async def add_code(
    conn: AsyncConnection[Any], code: ContactCode, *, forget_before: datetime
) -> None:
    """Insert a code that is about to be sent, and forget the person's old ones."""
    await conn.execute(
        """
        DELETE FROM oncall.contact_codes
         WHERE person_id = %(person_id)s AND sent_at < %(before)s
        """,
        {"person_id": code.person_id, "before": forget_before},
    )
    await conn.execute(
        """
        INSERT INTO oncall.contact_codes
               (id, person_id, fingerprint, kind, hash, sent_at, expires_at, tries_left)
        VALUES (%(id)s, %(person_id)s, %(fingerprint)s, %(kind)s, %(hash)s, %(sent_at)s,
                %(expires_at)s, %(tries_left)s)
        """,
        {
            "id": code.id,
            "person_id": code.person_id,
            "fingerprint": code.fingerprint,
            "kind": code.kind,
            "hash": code.hash,
            "sent_at": code.sent_at,
            "expires_at": code.expires_at,
            "tries_left": code.tries_left,
        },
    )


async def end_code(conn: AsyncConnection[Any], code: ContactCode) -> None:
    """Write how the sending of a code ended."""
    await conn.execute(
        """
        UPDATE oncall.contact_codes
           SET outcome = %(outcome)s, error = %(error)s
         WHERE id = %(id)s
        """,
        {"id": code.id, "outcome": code.outcome, "error": code.error[:500]},
    )


async def spend_try(
    conn: AsyncConnection[Any], person_id: PersonId, fingerprint: str, now: datetime
) -> ContactCode | None:
    """Take one try of the newest code that was sent to an address; None: none can be tried."""
    async with conn.cursor(row_factory=struct_row(ContactCode)) as cursor:
        await cursor.execute(
            """
            UPDATE oncall.contact_codes
               SET tries_left = tries_left - 1
             WHERE id = (SELECT id
                           FROM oncall.contact_codes
                          WHERE person_id = %(person_id)s AND fingerprint = %(fingerprint)s
                          ORDER BY sent_at DESC, id DESC
                          LIMIT 1)
               AND tries_left > 0 AND used_at IS NULL AND expires_at > %(now)s
            RETURNING id, person_id, fingerprint, kind, hash, sent_at, expires_at, tries_left,
                      outcome, error
            """,
            {"person_id": person_id, "fingerprint": fingerprint, "now": now},
        )
        return await cursor.fetchone()


async def use_code(conn: AsyncConnection[Any], code: ContactCode, now: datetime) -> bool:
    """Mark a code as used; False where it was used before."""
    cursor = await conn.execute(
        """
        UPDATE oncall.contact_codes
           SET used_at = %(now)s
         WHERE id = %(id)s AND used_at IS NULL
        """,
        {"id": code.id, "now": now},
    )
    return cursor.rowcount == 1


async def forget_people(conn: AsyncConnection[Any], ids: Sequence[PersonId]) -> None:
    """Forget proofs, codes and browsers of people who are gone."""
    for statement in (
        "DELETE FROM oncall.push_devices WHERE person_id = ANY(%(ids)s)",
        "DELETE FROM oncall.contact_codes WHERE person_id = ANY(%(ids)s)",
        "DELETE FROM oncall.contact_states WHERE person_id = ANY(%(ids)s)",
    ):
        await conn.execute(statement, {"ids": list(ids)})
