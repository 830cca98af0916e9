"""Opens units: runs an action, lets follow what follows from it, saves and commits it all."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from psycopg import AsyncConnection, errors

from tocsin.kernel import jobs as job_rows
from tocsin.kernel.actor import Actor
from tocsin.kernel.clock import Clock
from tocsin.kernel.db import Database, is_transient
from tocsin.kernel.db_trouble import refusal
from tocsin.kernel.errors import Unavailable
from tocsin.kernel.events import Update, kind_of, line, subjects
from tocsin.kernel.ids import uuid7
from tocsin.kernel.jobs import JobKinds
from tocsin.kernel.logs import Log
from tocsin.kernel.reactions import Reaction, ReactionParked, Reactions, RetryReaction
from tocsin.kernel.rows import as_json
from tocsin.kernel.settling import was_committed
from tocsin.kernel.snapshot import Snapshot
from tocsin.kernel.unit import Recorded, Unit

T = TypeVar("T")
TRIES = 3
log = Log("unit")


class Units:
    """Opens units. One per process; everything that changes anything goes through `run`."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        snapshot: Callable[[AsyncConnection[Any]], Awaitable[Snapshot]],
        reactions: Reactions,
        job_kinds: JobKinds,
    ) -> None:
        self.db = db
        self.clock = clock
        self.snapshot = snapshot
        self.reactions = reactions
        self.job_kinds = job_kinds
        self.on_commit: list[Callable[[Unit], None]] = []  # hints to loops of this process
        self._lock_limit_s: float | None = None

    def on(self, db: Database, *, lock_limit_s: float | None = None) -> "Units":
        """Return one that opens its units on the connections of `db`; all else is the same.

        With `lock_limit_s` a unit that waits longer for a lock is given up at once.
        """
        other = Units(db, self.clock, self.snapshot, self.reactions, self.job_kinds)
        other._lock_limit_s = lock_limit_s
        other.on_commit = self.on_commit
        return other

    async def run(self, actor: Actor, act: Callable[[Unit], Awaitable[T]]) -> T:
        """Open a unit for `actor`, run `act`, react, save and commit.

        Starts again from the beginning, at most three times in all, when the database asks
        for it. Raises Unavailable after that. Where the answer to the COMMIT was lost, what the
        database says of the unit's events decides.
        """
        for attempt in range(1, TRIES + 1):
            try:
                return await self._once(actor, act)
            except errors.UniqueViolation as error:
                # two units made the same thing at once: the second sees it when it looks again
                if attempt == TRIES:
                    raise
                log.info("unit.contended", error=str(error))
            except Exception as error:
                if not is_transient(error):
                    raise
                is_locked = isinstance(error, errors.LockNotAvailable)
                if attempt == TRIES or (is_locked and self._lock_limit_s is not None):
                    raise Unavailable(refusal(error)) from error
                log.info("unit.again", attempt=attempt, error=str(error))
        raise AssertionError("unreachable")

    async def _once(self, actor: Actor, act: Callable[[Unit], Awaitable[T]]) -> T:
        ended: list[tuple[Unit, T]] = []  # nothing is left to do but to commit
        try:
            async with self.db.connection() as conn, conn.transaction():
                if self._lock_limit_s is not None:
                    limit = {"limit": f"{self._lock_limit_s * 1000:.0f}"}
                    await conn.execute(
                        "SELECT set_config('lock_timeout', %(limit)s, true)", limit
                    )
                unit = Unit(conn, actor, self.clock.now(), await self.snapshot(conn))
                result = await act(unit)
                await self._react(unit)
                await self._save(unit)
                ended.append((unit, result))
        except Exception as error:
            if not ended or not is_transient(error) or not await self._took_effect(ended[0][0]):
                raise
            log.info("unit.committed_unheard", error=str(error))
        unit, result = ended[0]
        if log.is_debug and (unit.events or unit.jobs):
            log.debug(
                "unit.committed", role=actor.role, jobs=[row.kind for _, row in unit.jobs],
                events=[kind_of(one.event) for one in unit.events],
            )  # fmt: skip
        for hint in self.on_commit:
            hint(unit)
        return result

    async def _took_effect(self, unit: Unit) -> bool:
        """Say whether a unit without an answer to its COMMIT is saved; one without events never is."""
        logged = [r.id for r in unit.events if not isinstance(r.event, Update)]
        return bool(logged) and await was_committed(self.db, logged[0], unit.now)

    async def _react(self, unit: Unit, start: int = 0) -> None:
        done = start
        while done < len(unit.events):
            recorded = unit.events[done]
            done += 1
            if recorded.id in unit.reacted:
                continue
            unit.reacted.add(recorded.id)
            for reaction in self.reactions.get(type(recorded.event), ()):
                # an update stands in no log, so what follows from it has the update's own cause
                is_update = isinstance(recorded.event, Update)
                with unit.reacting(recorded.cause if is_update else recorded.id):
                    if reaction.must:
                        await reaction.run(unit, recorded.event)
                    else:
                        await self._try(unit, reaction, recorded)

    async def join(self, unit: Unit, act: Callable[[Unit], Awaitable[T]]) -> T:
        """Run `act` and what follows from it inside an open unit: all of it, or nothing."""
        events, deferred = len(unit.events), len(unit.jobs)
        try:
            async with unit.conn.transaction():
                result = await act(unit)
                await self._react(unit, events)
        except BaseException:
            del unit.events[events:], unit.jobs[deferred:]
            raise
        return result

    async def _try(self, unit: Unit, reaction: Reaction, recorded: Recorded) -> None:
        try:  # what follows from a MAY is parked with it
            await self.join(unit, lambda joined: reaction.run(joined, recorded.event))
        except Exception as error:
            if is_transient(error):
                raise
            log.error("reaction.parked", error=error, reaction=reaction.name)
            await self._park(unit, reaction, recorded, error)

    async def _park(
        self, unit: Unit, reaction: Reaction, recorded: Recorded, error: Exception
    ) -> None:
        parked_id = uuid7()
        await unit.conn.execute(
            """
            INSERT INTO kernel.parked (id, reaction, event_id, event, error, parked_at)
            VALUES (%(id)s, %(reaction)s, %(event_id)s, %(event)s, %(error)s, %(now)s)
            """,
            {
                "id": parked_id,
                "reaction": reaction.name,
                "event_id": recorded.id,
                "event": msgspec.json.encode(recorded.event).decode(),
                "error": f"{type(error).__name__}: {error}"[:2000],
                "now": unit.now,
            },
        )
        unit.defer(RetryReaction(parked_id=parked_id), at=unit.now + job_rows.backoff(5))
        # an alarm about an alarm that failed would go round in circles
        if not isinstance(recorded.event, ReactionParked):
            unit.record(ReactionParked(parked_id=parked_id, reaction=reaction.name))

    async def _save(self, unit: Unit) -> None:
        if unit.jobs:
            modes = self.job_kinds.by_name
            await job_rows.add(
                unit.conn,
                [
                    msgspec.structs.replace(row, mode=modes[row.kind].mode)
                    for _, row in unit.jobs
                ],
            )
        await _append(unit)


async def _append(unit: Unit) -> None:
    """Insert the unit's events, last of all, so that they wait for nothing."""
    logged = [r for r in unit.events if not isinstance(r.event, Update)]
    if not logged:
        return
    rows = [
        {
            "id": r.id,
            "ordinal": ordinal,
            "kind": kind_of(r.event),
            "subjects": subjects(r.event),
            "line": line(r.event, id=r.id, at=unit.now, actor=r.actor, cause=r.cause),
        }
        for ordinal, r in enumerate(logged)
    ]
    await unit.conn.execute(
        """
        INSERT INTO kernel.intake_log (id, ordinal, at, kind, subjects, line)
        SELECT id, ordinal, %(now)s, kind, subjects, line
          FROM jsonb_to_recordset(%(rows)s::jsonb)
               AS r(id uuid, ordinal integer, kind text, subjects uuid[], line text)
        """,
        {"now": unit.now, "rows": as_json(rows)},
    )
