"""A request with a key is done once: its answer is kept in the unit that did it, for a day."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from tocsin.kernel.errors import Conflict, Invalid
from tocsin.kernel.jobs import Job
from tocsin.kernel.rows import as_json, struct_row
from tocsin.kernel.unit import Unit

KEPT = timedelta(hours=24)
SWEEP_EVERY = timedelta(hours=1)
KEY_MAX = 255
_SWEEP = "idempotency.sweep"


class Answer(Struct, frozen=True, kw_only=True):
    """What was answered; `body` None: it held a secret."""

    status: int
    headers: dict[str, str]
    body: bytes | None


class ForgetAnswers(Job, frozen=True, tag="kernel.forget_answers"):
    """Delete answers that are older than a day."""


class _Row(Struct, frozen=True, kw_only=True):
    request: bytes
    kept_at: datetime
    status: int | None
    headers: dict[str, str] | None
    body: bytes | None


def check_key(key: str) -> str:
    """Return `key` as it is. Raises Invalid."""
    if not 0 < len(key) <= KEY_MAX or not key.isascii() or not key.isprintable():
        raise Invalid(
            f"send 1 to {KEY_MAX} printable ASCII characters, a fresh UUID for example",
            field="Idempotency-Key",
        )
    return key


def digest(method: str, target: str, body: bytes, *, secret: str) -> bytes:
    """Return what tells two requests apart.

    A body may hold a password: without the `secret` of who asks, which is stored nowhere, nobody
    can try guesses on what is kept.
    """
    text = f"{method} {target}\n".encode() + body
    return hmac.digest(secret.encode("utf-8", "surrogateescape"), text, hashlib.sha256)


async def claim(unit: Unit, key: str, request: bytes) -> Answer | None:
    """Take `key` for this unit: None, or what was answered when it was used before.

    Raises Conflict while another unit works on it or where the answer was a secret, and
    Invalid when the key belongs to a different request.
    """
    who = {"actor_id": unit.actor.id, "key": key}
    lock = await unit.conn.execute(
        """
        SELECT pg_try_advisory_xact_lock(
                   hashtextextended(%(actor_id)s::text || ' ' || %(key)s, 13))
        """,
        who,
    )
    if (await lock.fetchone()) != (True,):
        raise Conflict(
            "the first request with this Idempotency-Key is still being worked on; ask again"
            " in a moment"
        )
    row = await _row(unit, who)
    if row is not None and row.kept_at > unit.now - KEPT:
        return _repeated(row, request)
    await unit.conn.execute(
        """
        INSERT INTO kernel.answers (actor_id, key, request, kept_at)
        VALUES (%(actor_id)s, %(key)s, %(request)s, %(now)s)
            ON CONFLICT (actor_id, key) DO UPDATE
           SET request = excluded.request, kept_at = excluded.kept_at, status = NULL,
               headers = NULL, body = NULL
        """,
        {**who, "request": request, "now": unit.now},
    )
    return None


async def _row(unit: Unit, who: Mapping[str, object]) -> _Row | None:
    async with unit.conn.cursor(row_factory=struct_row(_Row)) as cursor:
        await cursor.execute(
            """
            SELECT request, kept_at, status, headers, body
              FROM kernel.answers
             WHERE actor_id = %(actor_id)s AND key = %(key)s
            """,
            who,
        )
        return await cursor.fetchone()


def _repeated(row: _Row, request: bytes) -> Answer:
    if row.request != request:
        raise Invalid(
            "this key was used for a different request; make a fresh key for each request",
            field="Idempotency-Key",
        )
    if row.status is None or row.body is None:
        raise Conflict(
            "this was done, and its answer held a secret that is kept nowhere; if the answer"
            " was lost, revoke what was made and make another with a fresh key"
        )
    return Answer(status=row.status, headers=row.headers or {}, body=row.body)


async def keep(unit: Unit, key: str, answer: Answer) -> None:
    """Keep what is answered under a key that this unit has claimed, and see that it is forgotten."""
    await unit.conn.execute(
        """
        UPDATE kernel.answers
           SET status = %(status)s, headers = %(headers)s::jsonb, body = %(body)s
         WHERE actor_id = %(actor_id)s AND key = %(key)s
        """,
        {
            "actor_id": unit.actor.id,
            "key": key,
            "status": answer.status,
            "headers": as_json([answer.headers])[1:-1],
            "body": answer.body,
        },
    )
    unit.defer(ForgetAnswers(), at=unit.now + KEPT, key=_SWEEP)


async def forget(unit: Unit, _job: ForgetAnswers) -> None:
    """Delete what is older than a day, and come back while there is more."""
    await unit.conn.execute(
        "DELETE FROM kernel.answers WHERE kept_at <= %(old)s", {"old": unit.now - KEPT}
    )
    cursor = await unit.conn.execute("SELECT min(kept_at) FROM kernel.answers")
    row = await cursor.fetchone()
    if row and row[0]:
        due_at = max(row[0] + KEPT, unit.now + SWEEP_EVERY)
        unit.defer(ForgetAnswers(), at=due_at, key=_SWEEP)
