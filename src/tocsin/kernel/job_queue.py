"""What the worker does with jobs that are due: take timers, lease errands, end them or try again."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import AsyncConnection

from tocsin.kernel.jobs import BACKOFF_MAX_S, JobRow, Mode
from tocsin.kernel.rows import struct_row

LEASE_S = 10
TIMERS_SEEN = 64  # more than there are workers' hands, so that one of them is free


async def take_timer(
    conn: AsyncConnection[Any], now: datetime, mode: Mode = "timer"
) -> JobRow | None:
    """Claim one due timer for this transaction, or return None; `end_timers` removes it.

    With mode "leisure" it is one of those that can wait.

    The claim is an advisory lock and not a row lock: whoever holds the timer's subject must be
    able to defer under the same key while the timer waits for that subject, or the two of
    them would wait for each other.
    """
    async with conn.cursor(row_factory=struct_row(JobRow)) as cursor:
        while True:
            await cursor.execute(
                """
                WITH due AS MATERIALIZED (
                    SELECT id, kind, body, due_at, attempts
                      FROM kernel.jobs
                     WHERE mode = %(mode)s AND parked_at IS NULL AND due_at <= %(now)s
                       AND kind <> ALL (ARRAY(SELECT kind FROM kernel.held_jobs))
                     ORDER BY due_at
                     LIMIT %(seen)s
                )
                SELECT id, kind, body, due_at, attempts
                  FROM due
                 WHERE pg_try_advisory_xact_lock(hashtextextended(id::text, 0))
                 LIMIT 1
                """,
                {"now": now, "mode": mode, "seen": TIMERS_SEEN},
            )
            row = await cursor.fetchone()
            if row is None or await _is_due(conn, row.id, now):
                return row


async def take_alike(
    conn: AsyncConnection[Any], first: JobRow, now: datetime, limit: int
) -> list[JobRow]:
    """Claim up to `limit` due timers of the kind of `first`, which is claimed, for this transaction.

    `first` is among them. They come by subject, so that who locks subjects in that order waits
    for none of them while holding another. What has failed before is not among them.
    """
    cursor = await conn.execute(
        """
        WITH due AS MATERIALIZED (
            SELECT id
              FROM kernel.jobs
             WHERE mode = 'timer' AND parked_at IS NULL AND due_at <= %(now)s
               AND kind = %(kind)s AND id <> %(id)s AND attempts = 0
             ORDER BY due_at
             LIMIT %(seen)s
        )
        SELECT id
          FROM due
         WHERE pg_try_advisory_xact_lock(hashtextextended(id::text, 0))
         LIMIT %(others)s
        """,
        {
            "now": now,
            "kind": first.kind,
            "id": first.id,
            "seen": TIMERS_SEEN,
            "others": limit - 1,
        },
    )
    ids = [first.id, *(row[0] for row in await cursor.fetchall())]
    if len(ids) == 1:
        return [first]
    async with conn.cursor(row_factory=struct_row(JobRow)) as found:
        # under the locks: another may have run one of them just before it was ours
        await found.execute(
            """
            SELECT id, kind, body, due_at, attempts
              FROM kernel.jobs
             WHERE id = ANY(%(ids)s) AND due_at <= %(now)s
             ORDER BY subject
            """,
            {"ids": ids, "now": now},
        )
        return await found.fetchall()


async def _is_due(conn: AsyncConnection[Any], job_id: UUID, now: datetime) -> bool:
    """Look again under the lock: another may have run the timer just before it was ours."""
    cursor = await conn.execute(
        "SELECT 1 FROM kernel.jobs WHERE id = %(id)s AND due_at <= %(now)s",
        {"id": job_id, "now": now},
    )
    return await cursor.fetchone() is not None


async def end_timers(conn: AsyncConnection[Any], job_ids: Sequence[UUID]) -> None:
    """Remove timers that were run; they are back if this transaction fails."""
    await conn.execute(
        "DELETE FROM kernel.jobs WHERE id = ANY(%(ids)s)", {"ids": list(job_ids)}
    )


async def lease_errands(
    conn: AsyncConnection[Any],
    now: datetime,
    *,
    worker: UUID,
    limit: int,
    without: Sequence[UUID] = (),
) -> list[JobRow]:
    """Lease up to `limit` due errands to `worker` for LEASE_S seconds, oldest first.

    Those of `without` are left to other workers.
    """
    async with conn.cursor(row_factory=struct_row(JobRow)) as cursor:
        await cursor.execute(
            """
            UPDATE kernel.jobs
               SET leased_until = %(until)s, leased_by = %(worker)s, attempts = attempts + 1
             WHERE id IN (SELECT id
                            FROM kernel.jobs
                           WHERE mode = 'errand' AND parked_at IS NULL AND due_at <= %(now)s
                             AND (leased_until IS NULL OR leased_until <= %(now)s)
                             AND kind <> ALL (ARRAY(SELECT kind FROM kernel.held_jobs))
                             AND id <> ALL (%(without)s)
                           ORDER BY due_at
                           LIMIT %(limit)s
                             FOR UPDATE SKIP LOCKED)
            RETURNING id, kind, body, due_at, attempts
            """,
            {
                "now": now,
                "until": now + timedelta(seconds=LEASE_S),
                "worker": worker,
                "limit": limit,
                "without": list(without),
            },
        )
        return await cursor.fetchall()


async def extend(conn: AsyncConnection[Any], now: datetime, *, worker: UUID) -> None:
    """Beat the heart of every lease that `worker` still holds.

    What is locked is about to be extended or ended by its own errand, and is waited for by nobody.
    """
    await conn.execute(
        """
        UPDATE kernel.jobs
           SET leased_until = %(until)s
         WHERE id IN (SELECT id
                        FROM kernel.jobs
                       WHERE mode = 'errand' AND leased_by = %(worker)s
                         AND leased_until > %(now)s
                         FOR UPDATE SKIP LOCKED)
        """,
        {"now": now, "until": now + timedelta(seconds=LEASE_S), "worker": worker},
    )


async def hold(
    conn: AsyncConnection[Any], job_id: UUID, now: datetime, *, worker: UUID
) -> bool:
    """Extend one lease under its row lock; False when it has gone to somebody else."""
    cursor = await conn.execute(
        """
        UPDATE kernel.jobs
           SET leased_until = %(until)s
         WHERE id = %(id)s AND leased_by = %(worker)s
        """,
        {"id": job_id, "worker": worker, "until": now + timedelta(seconds=LEASE_S)},
    )
    return cursor.rowcount == 1


async def finish(conn: AsyncConnection[Any], job_id: UUID, *, worker: UUID) -> bool:
    """Delete a leased job; False when the lease has gone to somebody else."""
    cursor = await conn.execute(
        "DELETE FROM kernel.jobs WHERE id = %(id)s AND leased_by = %(worker)s",
        {"id": job_id, "worker": worker},
    )
    return cursor.rowcount == 1


async def release(
    conn: AsyncConnection[Any], job_id: UUID, *, worker: UUID, due_at: datetime, error: str = ""
) -> bool:
    """Give a leased job back, due at `due_at`; False when it was not ours any more."""
    cursor = await conn.execute(
        """
        UPDATE kernel.jobs
           SET leased_until = NULL, leased_by = NULL, due_at = %(due_at)s, last_error = %(error)s
         WHERE id = %(id)s AND leased_by = %(worker)s
        """,
        {"id": job_id, "worker": worker, "due_at": due_at, "error": error[:2000]},
    )
    return cursor.rowcount == 1


async def postpone_timer(
    conn: AsyncConnection[Any], job_id: UUID, *, now: datetime, error: str
) -> None:
    """Note a timer's failure and try it again after its backoff; a timer is never given up."""
    await conn.execute(
        """
        UPDATE kernel.jobs
           SET attempts = attempts + 1, last_error = %(error)s,
               due_at = %(now)s + least(%(max)s, power(2, least(attempts, 10))) * interval '1 s'
         WHERE id = %(id)s
        """,
        {"id": job_id, "now": now, "error": error[:2000], "max": BACKOFF_MAX_S},
    )


class NextDue(NamedTuple):
    """When the next job of each mode is due, None: there is none; an errand, or its lease ends."""

    timer: datetime | None
    errand: datetime | None
    leisure: datetime | None


async def next_due(conn: AsyncConnection[Any]) -> NextDue:
    """Return when there will be something to do."""
    cursor = await conn.execute(
        """
        SELECT (SELECT min(due_at) FROM kernel.jobs
                 WHERE mode = 'timer' AND parked_at IS NULL
                   AND kind <> ALL (ARRAY(SELECT kind FROM kernel.held_jobs))),
               (SELECT min(greatest(due_at, coalesce(leased_until, due_at)))
                  FROM kernel.jobs
                 WHERE mode = 'errand' AND parked_at IS NULL
                   AND kind <> ALL (ARRAY(SELECT kind FROM kernel.held_jobs))),
               (SELECT min(due_at) FROM kernel.jobs
                 WHERE mode = 'leisure' AND parked_at IS NULL)
        """
    )
    row = await cursor.fetchone()
    return NextDue(*row) if row else NextDue(None, None, None)
