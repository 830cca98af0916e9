"""After a connection was lost during COMMIT: find out, by a key of the unit, whether it took effect."""

from datetime import datetime
from uuid import UUID

import psycopg

from tocsin.kernel.db import Database, is_transient
from tocsin.kernel.errors import Unavailable

TRIES = 3


class OutcomeUnknown(Unavailable):
    """The database was lost during COMMIT and has not come back to say what became of it."""


async def was_committed(db: Database, event_id: UUID, now: datetime) -> bool:
    """Say whether the unit that recorded this event is in the database. Raises OutcomeUnknown.

    The backend may still be committing: inserting the same key waits for the end of its
    transaction, and is rolled back.
    """
    for _ in range(TRIES):
        try:
            return await _look(db, event_id, now)
        except psycopg.Error as error:
            if not is_transient(error):
                raise
    raise OutcomeUnknown(
        "the database was lost while this was being saved, and has not come back to say whether"
        " it was; look before you do it again, or repeat it with the same Idempotency-Key"
    )


async def _look(db: Database, event_id: UUID, now: datetime) -> bool:
    async with db.connection() as conn, conn.transaction(force_rollback=True):
        waiting = await conn.execute(
            """
            INSERT INTO kernel.intake_log (id, ordinal, at, kind, subjects, line)
            VALUES (%(id)s, 0, %(now)s, '', '{}', '')
                ON CONFLICT (id) DO NOTHING
            """,
            {"id": event_id, "now": now},
        )
        if waiting.rowcount == 0:
            return True
        sealed = await conn.execute(
            "SELECT 1 FROM kernel.log WHERE id = %(id)s", {"id": event_id}
        )
        return await sealed.fetchone() is not None
