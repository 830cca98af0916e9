"""One unit of work: a transaction, the instant it happens at, and who asks for it."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg import AsyncConnection, errors
from typing_extensions import override

from tocsin.kernel import jobs as job_rows
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM, Actor
from tocsin.kernel.clock import Clock
from tocsin.kernel.db import Database, is_transient
from tocsin.kernel.errors import Forbidden, Unavailable
from tocsin.kernel.events import Event, Names, kind_of, line, subjects
from tocsin.kernel.ids import uuid7
from tocsin.kernel.jobs import Deferred, Job, JobKinds, name_of
from tocsin.kernel.logs import Log
from tocsin.kernel.rows import as_json
from tocsin.kernel.snapshot import Snapshot

T = TypeVar("T")
P = TypeVar("P")
TRIES = 3
log = Log("unit")


class Recorded(Struct, frozen=True):
    """An event of this unit with who caused it and why."""

    id: UUID
    event: Event
    actor: Actor
    cause: UUID | None


class Unit:
    """All that an action may touch. The entry point opens it; no action commits it."""

    def __init__(
        self, conn: AsyncConnection[Any], actor: Actor, now: datetime, snapshot: Snapshot
    ) -> None:
        self.conn = conn
        self.actor = actor
        self.now = now
        self.snapshot = snapshot
        self.asker = actor  # stays who it was while reactions run as the system
        self.events: list[Recorded] = []
        self.jobs: list[tuple[Job, Deferred]] = []
        self.cause: UUID | None = None
        self.reacted: set[UUID] = set()

    def require(self, permission: str) -> None:
        """Refuse unless the actor holds `permission` somewhere. First line of every action."""
        if not self.actor.may(permission):
            raise Forbidden(f"{self.actor.name} ({self.actor.role}) may not {permission}")

    def require_on(self, permission: str, team: str | None) -> None:
        """Refuse unless the actor holds `permission` for what belongs to `team` (None: nobody's).

        Asked after loading, where the thing has a team.
        """
        if not self.actor.may_on(permission, team):
            where = f"in team {team}" if team else "on what belongs to no team"
            raise Forbidden(
                f"{self.actor.name} ({self.actor.role}) may not {permission} {where}"
            )

    @property
    def audience(self) -> list[str] | None:
        """Return who looks, for `visible_to IS NULL OR visible_to && audience`; None: sees all.

        In SQL: `(%(audience)s::text[] IS NULL OR visible_to IS NULL OR visible_to && %(audience)s)`.
        """
        return None if self.actor.role is Role.SYSTEM else list(self.actor.audience)

    def config(self, part: type[P]) -> P:
        """Return a part of the configuration pinned by this unit."""
        return self.snapshot.part(part)

    def record(self, event: Event) -> None:
        """Add `event` to the log when this unit commits, and run what follows from it before."""
        self.events.append(Recorded(uuid7(), event, self.asker, self.cause))

    def defer(
        self,
        job: Job,
        *,
        at: datetime | None = None,
        subject: UUID | None = None,
        epoch: int = 0,
        key: str | None = None,
    ) -> None:
        """Run `job` once this unit has committed, no sooner than `at`.

        `subject` is what the job keeps alive; of one `key` at most one job waits.
        """
        row = Deferred(
            id=uuid7(), kind=name_of(job), mode="", body=msgspec.json.encode(job).decode(),
            subject=subject, epoch=epoch, key=key, due_at=at or self.now,
        )  # fmt: skip
        self.jobs.append((job, row))

    @contextmanager
    def reacting(self, cause: UUID) -> Iterator[None]:
        """Act as Tocsin itself, on behalf of the asker, because of the event `cause`."""
        actor, before = self.actor, self.cause
        self.actor, self.cause = SYSTEM, cause
        try:
            yield
        finally:
            self.actor, self.cause = actor, before


class Reaction(Struct, frozen=True):
    """What follows from an event. MUST stands or falls with the unit; MAY is parked when it fails."""

    run: Callable[[Unit, Any], Awaitable[None]]
    must: bool

    @property
    def name(self) -> str:
        """Its name in `tocsin reactions` and in the parking lot."""
        return f"{self.run.__module__.rsplit('.', 1)[-1]}.{self.run.__name__}"


def must(run: Callable[[Unit, Any], Awaitable[None]]) -> Reaction:
    """Mark a reaction without which the event must not have happened."""
    return Reaction(run, True)  # noqa: FBT003 - the field's name is the function's


def may(run: Callable[[Unit, Any], Awaitable[None]]) -> Reaction:
    """Mark a reaction that may come later."""
    return Reaction(run, False)  # noqa: FBT003


Reactions = Mapping[type[Event], Sequence[Reaction]]


class ReactionParked(Event, frozen=True, tag="kernel.reaction_parked"):
    """What may follow from an event has failed and will be tried again."""

    parked_id: UUID
    reaction: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{self.reaction} failed and is tried again"


class RetryReaction(Job, frozen=True, tag="kernel.retry_reaction"):
    """Run a parked MAY reaction again."""

    parked_id: UUID


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

    async def run(self, actor: Actor, act: Callable[[Unit], Awaitable[T]]) -> T:
        """Open a unit for `actor`, run `act`, react, save and commit.

        Starts again from the beginning, at most three times in all, when the database asks
        for it. Raises Unavailable after that.
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
                if attempt == TRIES:
                    raise Unavailable(f"the database did not answer: {error}") from error
                log.info("unit.again", attempt=attempt, error=str(error))
        raise AssertionError("unreachable")

    async def _once(self, actor: Actor, act: Callable[[Unit], Awaitable[T]]) -> T:
        async with self.db.connection() as conn, conn.transaction():
            unit = Unit(conn, actor, self.clock.now(), await self.snapshot(conn))
            result = await act(unit)
            await self._react(unit)
            await self._save(unit)
        for hint in self.on_commit:
            hint(unit)
        return result

    async def _react(self, unit: Unit, start: int = 0) -> None:
        done = start
        while done < len(unit.events):
            recorded = unit.events[done]
            done += 1
            if recorded.id in unit.reacted:
                continue
            unit.reacted.add(recorded.id)
            for reaction in self.reactions.get(type(recorded.event), ()):
                with unit.reacting(recorded.id):
                    if reaction.must:
                        await reaction.run(unit, recorded.event)
                    else:
                        await self._try(unit, reaction, recorded)

    async def _try(self, unit: Unit, reaction: Reaction, recorded: Recorded) -> None:
        events, deferred = len(unit.events), len(unit.jobs)
        try:
            async with unit.conn.transaction():
                await reaction.run(unit, recorded.event)
                await self._react(unit, events)  # what follows from a MAY is parked with it
        except Exception as error:
            if is_transient(error):
                raise
            del unit.events[events:], unit.jobs[deferred:]
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
        if unit.events:
            await _append(unit)


async def _append(unit: Unit) -> None:
    """Insert the unit's events, last of all, so that they wait for nothing."""
    rows = [
        {
            "id": r.id,
            "ordinal": ordinal,
            "kind": kind_of(r.event),
            "subjects": subjects(r.event),
            "line": line(r.event, id=r.id, at=unit.now, actor=r.actor, cause=r.cause),
        }
        for ordinal, r in enumerate(unit.events)
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
