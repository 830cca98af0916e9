"""Work to do later, kept in the same transaction as the change that asked for it.

A *timer* runs inside one unit: taken, done and followed up in one transaction. An *errand*
goes to the outside world: it is leased, runs between units, and must bear running twice. What
is done at *leisure* runs like a timer, one after another, and never in the way of the others.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg import AsyncConnection

from tocsin.kernel.rows import as_json

BACKOFF_MAX_S = 30

Mode = Literal["timer", "errand", "leisure"]


class Job(Struct, frozen=True, kw_only=True, tag_field="job"):
    """A request to run one piece of code once it is due."""


class JobKind(Struct, frozen=True, kw_only=True):
    """What runs a job: `run(errand, job)` for an errand, else `run(unit, job)`.

    Timers of a kind that `shares` are run several in one unit when several are due.
    """

    job: type[Job]
    mode: Mode
    run: Callable[[Any, Any], Awaitable[None]]
    shares: bool = False


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


async def is_witnessed(conn: AsyncConnection[Any], subject: UUID, epoch: int) -> bool:
    """Say whether a subject has a live timer of its epoch: one that is not parked."""
    cursor = await conn.execute(
        """
        SELECT FROM kernel.jobs
         WHERE subject = %(subject)s AND epoch = %(epoch)s
           AND parked_at IS NULL AND mode = 'timer'
         LIMIT 1
        """,
        {"subject": subject, "epoch": epoch},
    )
    return await cursor.fetchone() is not None


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
    """Return how late, in seconds, the oldest due job is that is neither leased nor held.

    What is done at leisure is never late.
    """
    cursor = await conn.execute(
        """
        SELECT min(due_at)
          FROM kernel.jobs
         WHERE parked_at IS NULL AND due_at <= %(now)s
           AND (leased_until IS NULL OR leased_until <= %(now)s)
           AND mode <> 'leisure'
           AND kind <> ALL (ARRAY(SELECT kind FROM kernel.held_jobs))
        """,
        {"now": now},
    )
    row = await cursor.fetchone()
    return max(0.0, (now - row[0]).total_seconds()) if row and row[0] else 0.0
