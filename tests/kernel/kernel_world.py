"""A product in miniature for the kernel's tests: bells that ring, timers and errands that count."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import AsyncConnection
from typing_extensions import override

from tocsin.kernel.access import Role
from tocsin.kernel.actor import Actor
from tocsin.kernel.clock import FakeClock
from tocsin.kernel.db import Database
from tocsin.kernel.events import Event, Names
from tocsin.kernel.jobs import Job, JobKind, JobKinds
from tocsin.kernel.reactions import Reactions, RetryReaction
from tocsin.kernel.snapshot import Snapshot
from tocsin.kernel.unit import Unit
from tocsin.kernel.units import Units

NOON = datetime(2026, 3, 27, 12, tzinfo=UTC)
BELL = UUID("0192f3a4-0000-7000-8000-00000000be11")
MAYA = Actor(
    kind="person", id=UUID("0192f3a4-0000-7000-8000-00000000aaaa"), name="Maya", role=Role.ADMIN
)


class Rang(Event, frozen=True, tag="test.rang"):
    """A bell rang."""

    bell_id: UUID

    @override
    def sentence(self, name: Names) -> str:
        return "A bell rang"


class Echoed(Event, frozen=True, tag="test.echoed"):
    """And was heard."""

    bell_id: UUID

    @override
    def sentence(self, name: Names) -> str:
        return "An echo"


class Faded(Event, frozen=True, tag="test.faded"):
    """And was gone."""

    bell_id: UUID

    @override
    def sentence(self, name: Names) -> str:
        return "Silence"


class Tick(Job, frozen=True, tag="test.tick"):
    """A timer."""

    name: str = ""


class Fetch(Job, frozen=True, tag="test.fetch"):
    """An errand."""

    name: str = ""


class Volume(Struct, frozen=True):
    """A part of a configuration."""

    decibels: int


async def _nothing(_owner: Any, _job: Any) -> None:
    """Do nothing."""


def job_kinds(
    tick: Any = _nothing,
    fetch: Any = _nothing,
    retry: Any = _nothing,
    *,
    shares: bool = False,
) -> JobKinds:
    """Return kinds for `Tick`, a timer that `shares` a unit or not, and `Fetch`, an errand."""
    return JobKinds(
        (
            JobKind(job=Tick, mode="timer", run=tick, shares=shares),
            JobKind(job=Fetch, mode="errand", run=fetch),
            JobKind(job=RetryReaction, mode="timer", run=retry),
        )
    )


def units_of(
    database: Database,
    reactions: Reactions | None = None,
    kinds: JobKinds | None = None,
    clock: FakeClock | None = None,
) -> Units:
    """Return what opens units, with a clock that stands still at noon."""
    parts: Mapping[type, object] = {Volume: Volume(90)}

    async def newest(_: object) -> Snapshot:
        return Snapshot(1, parts)

    return Units(
        database,
        clock or FakeClock(NOON),
        newest,
        reactions or {},
        kinds or job_kinds(),
    )


async def make_bells(database: Database) -> None:
    """Make a table for what units write."""
    await rows(database, "CREATE TABLE public.bells (name text PRIMARY KEY)")


async def cast(unit: Unit, name: str) -> None:
    """Write a bell."""
    await unit.conn.execute("INSERT INTO public.bells VALUES (%(name)s)", {"name": name})


async def bells(database: Database) -> list[str]:
    """Return the bells that are committed."""
    return [row[0] for row in await rows(database, "SELECT name FROM public.bells ORDER BY 1")]


async def rows(
    where: Database | AsyncConnection[Any], query: str, params: Mapping[str, Any] | None = None
) -> list[tuple[Any, ...]]:
    """Run one statement and return its rows, if it has any."""
    if isinstance(where, Database):
        async with where.connection() as conn:
            return await rows(conn, query, params)
    cursor = await where.execute(query, params)
    return list(await cursor.fetchall()) if cursor.description else []


async def recorded(database: Database) -> list[str]:
    """Return the kinds of the events that are committed and not sealed, in order."""
    found = await rows(database, "SELECT kind FROM kernel.intake_log ORDER BY stamp, ordinal")
    return [row[0] for row in found]


async def defer(units: Units, jobs: Iterable[Job], **when: Any) -> None:
    """Put jobs into the table."""

    async def act(unit: Unit) -> None:
        for job in jobs:
            unit.defer(job, **when)

    await units.run(MAYA, act)
