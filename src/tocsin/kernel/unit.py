"""One unit of work: a transaction, the instant it happens at, and who asks for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg import AsyncConnection

from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM, Actor
from tocsin.kernel.errors import Forbidden
from tocsin.kernel.events import Event, Update
from tocsin.kernel.ids import uuid7
from tocsin.kernel.jobs import Deferred, Job, name_of
from tocsin.kernel.snapshot import Snapshot

P = TypeVar("P")


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

    def tell(self, update: Update) -> None:
        """Run what follows from `update` before this unit commits; the log hears nothing of it."""
        self.events.append(Recorded(uuid7(), update, self.asker, self.cause))

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
    def reacting(self, cause: UUID | None) -> Iterator[None]:
        """Act as Tocsin itself, on behalf of the asker, because of the event `cause`."""
        actor, before = self.actor, self.cause
        self.actor, self.cause = SYSTEM, cause
        try:
            yield
        finally:
            self.actor, self.cause = actor, before
