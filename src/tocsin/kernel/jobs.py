"""Work to do later, kept in the same transaction as the change that asked for it.

A *timer* runs inside one unit: taken, done and followed up in one transaction. An *errand*
goes to the outside world: it is leased, runs between units, and must bear running twice.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg import AsyncConnection

from tocsin.kernel.rows import as_json, struct_row

LEASE_S = 10
BACKOFF_MAX_S = 30
TIMERS_SEEN = 64  # more than there are workers' hands, so that one of them is free

Mode = Literal["timer", "errand"]


class Job(Struct, frozen=True, kw_only=True, tag_field="job"):
    """A request to run one piece of code once it is due."""


class JobKind(Struct, frozen=True, kw_only=True):
    """What runs a job: `run(unit, job)` for a timer, `run(errand, job)` for an errand."""

    job: type[Job]
    mode: Mode
    run: Callable[[Any, Any], Awaitable[None]]


class JobKinds:
    """All kinds of jobs there are; `app.py` fills it."""

    def __init__(self, kinds: Iterable[JobKind]) -> None:
        self.by_name = {name_of(kind.job): kind for kind in kinds}

    def decode(self, row: "JobRow") -> Job:
        """Read a job back from its row."""
        job: Job = msgspec.json.decode(row.body, type=self.by_name[row.kind].job)
        return job


class Deferred(Struct, frozen=True, kw_only=True):
    """A job on its way into the table."""

    id: UUID
    kind: str
    mode: str
    body: str
    subject: UUID | None
    epoch: int
    key: str | None
    due_at: datetime


class JobRow(Struct, frozen=True, kw_only=True):
    """A job as its worker sees it."""

    id: UUID
    kind: str
    body: str
    due_at: datetime
    attempts: int


def name_of(job: Job | type[Job]) -> str:
    """Return the job's name in the table."""
    return str(job.__struct_config__.tag)


def backoff(attempts: int) -> timedelta:
    """Wait 1, 2, 4 … at most 30 s after the n-th failure."""
    return timedelta(seconds=min(BACKOFF_MAX_S, 2 ** max(0, attempts - 1)))


async def add(conn: AsyncConnection[Any], jobs: Sequence[Deferred]) -> None:
    """Insert `jobs`; one whose key is already waiting moves to the earlier instant."""
    await conn.execute(
        """
        INSERT INTO kernel.jobs (id, kind, mode, body, subject, epoch, key, due_at)
        SELECT DISTINCT ON (coalesce(key, id::text))
               id, kind, mode, body, subject, epoch, key, due_at
          FROM jsonb_to_recordset(%(jobs)s::jsonb)
               AS j(id uuid, kind text, mode text, body text, subject uuid, epoch integer,
                    key text, due_at timestamptz)
         ORDER BY coalesce(key, id::text), due_at
            ON CONFLICT (key) DO UPDATE
           SET due_at = least(jobs.due_at, excluded.due_at)
        """,
        {"jobs": as_json(jobs)},
    )


async def take_timer(conn: AsyncConnection[Any], now: datetime) -> JobRow | None:
    """Claim one due timer for this transaction, or return None; `end_timer` removes it.

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
                     WHERE mode = 'timer' AND parked_at IS NULL AND due_at <= %(now)s
                     ORDER BY due_at
                     LIMIT %(seen)s
                )
                SELECT id, kind, body, due_at, attempts
                  FROM due
                 WHERE pg_try_advisory_xact_lock(hashtextextended(id::text, 0))
                 LIMIT 1
                """,
                {"now": now, "seen": TIMERS_SEEN},
            )
            row = await cursor.fetchone()
            if row is None or await _is_due(conn, row.id, now):
                return row


async def _is_due(conn: AsyncConnection[Any], job_id: UUID, now: datetime) -> bool:
    """Look again under the lock: another may have run the timer just before it was ours."""
    cursor = await conn.execute(
        "SELECT 1 FROM kernel.jobs WHERE id = %(id)s AND due_at <= %(now)s",
        {"id": job_id, "now": now},
    )
    return await cursor.fetchone() is not None


async def end_timer(conn: AsyncConnection[Any], job_id: UUID) -> None:
    """Remove a timer that was run; it is back if this transaction fails."""
    await conn.execute("DELETE FROM kernel.jobs WHERE id = %(id)s", {"id": job_id})


async def lease_errands(
    conn: AsyncConnection[Any], now: datetime, *, worker: UUID, limit: int
) -> list[JobRow]:
    """Lease up to `limit` due errands to `worker` for LEASE_S seconds, oldest first."""
    async with conn.cursor(row_factory=struct_row(JobRow)) as cursor:
        await cursor.execute(
            """
            UPDATE kernel.jobs
               SET leased_until = %(until)s, leased_by = %(worker)s, attempts = attempts + 1
             WHERE id IN (SELECT id
                            FROM kernel.jobs
                           WHERE mode = 'errand' AND parked_at IS NULL AND due_at <= %(now)s
                             AND (leased_until IS NULL OR leased_until <= %(now)s)
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
            },
        )
        return await cursor.fetchall()


async def extend(conn: AsyncConnection[Any], now: datetime, *, worker: UUID) -> None:
    """Beat the heart of every lease that `worker` still holds."""
    await conn.execute(
        """
        UPDATE kernel.jobs
           SET leased_until = %(until)s
         WHERE mode = 'errand' AND leased_by = %(worker)s AND leased_until > %(now)s
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


async def pull_forward(conn: AsyncConnection[Any], key: str, due_at: datetime) -> None:
    """Make the job of this key due no later than `due_at`; one that runs just now is left alone."""
    await conn.execute(
        """
        UPDATE kernel.jobs
           SET due_at = least(due_at, %(due_at)s)
         WHERE id = (SELECT id FROM kernel.jobs WHERE key = %(key)s FOR UPDATE SKIP LOCKED)
        """,
        {"key": key, "due_at": due_at},
    )


async def next_due_by_mode(
    conn: AsyncConnection[Any],
) -> tuple[datetime | None, datetime | None]:
    """Return when the next timer is due, and the next errand, or its lease ends."""
    cursor = await conn.execute(
        """
        SELECT (SELECT min(due_at) FROM kernel.jobs
                 WHERE mode = 'timer' AND parked_at IS NULL),
               (SELECT min(greatest(due_at, coalesce(leased_until, due_at)))
                  FROM kernel.jobs
                 WHERE mode = 'errand' AND parked_at IS NULL)
        """
    )
    row = await cursor.fetchone()
    return (row[0], row[1]) if row else (None, None)


async def next_due(conn: AsyncConnection[Any]) -> datetime | None:
    """Return when the next job is due, or its lease ends; None when there is none."""
    return min(filter(None, await next_due_by_mode(conn)), default=None)


async def witnessed(
    conn: AsyncConnection[Any], subjects: Sequence[tuple[UUID, int]]
) -> set[UUID]:
    """Return which (subject, epoch) pairs have a live job: unparked, of that epoch."""
    cursor = await conn.execute(
        """
        SELECT DISTINCT j.subject
          FROM kernel.jobs j
          JOIN jsonb_to_recordset(%(pairs)s::jsonb) AS p(subject uuid, epoch integer)
            ON j.subject = p.subject AND j.epoch = p.epoch
         WHERE j.parked_at IS NULL
        """,
        {"pairs": as_json([{"subject": s, "epoch": e} for s, e in subjects])},
    )
    return {row[0] for row in await cursor.fetchall()}


async def due_at_of(
    conn: AsyncConnection[Any], subjects: Sequence[tuple[UUID, int]]
) -> dict[UUID, list[tuple[str, datetime]]]:
    """Return what is waiting for each (subject, epoch): job name and instant, soonest first.

    A job of an older epoch is fenced off and therefore not waited for.
    """
    cursor = await conn.execute(
        """
        SELECT j.subject, j.kind, j.due_at
          FROM kernel.jobs j
          JOIN jsonb_to_recordset(%(pairs)s::jsonb) AS p(subject uuid, epoch integer)
            ON j.subject = p.subject AND j.epoch = p.epoch
         WHERE j.parked_at IS NULL
         ORDER BY j.due_at
        """,
        {"pairs": as_json([{"subject": s, "epoch": e} for s, e in subjects])},
    )
    found: dict[UUID, list[tuple[str, datetime]]] = {}
    for subject, kind, due_at in await cursor.fetchall():
        found.setdefault(subject, []).append((kind, due_at))
    return found


async def lag_s(conn: AsyncConnection[Any], now: datetime) -> float:
    """Return by how many seconds the oldest due and unleased job is late."""
    cursor = await conn.execute(
        """
        SELECT min(due_at)
          FROM kernel.jobs
         WHERE parked_at IS NULL AND due_at <= %(now)s
           AND (leased_until IS NULL OR leased_until <= %(now)s)
        """,
        {"now": now},
    )
    row = await cursor.fetchone()
    return max(0.0, (now - row[0]).total_seconds()) if row and row[0] else 0.0
