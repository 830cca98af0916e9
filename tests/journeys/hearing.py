"""Connections that hear replies, while a test runs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from fakes.world import World
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.reachability import fingerprint_of
from tocsin.oncall.model import MethodKind


@asynccontextmanager
async def hearing(world: World) -> AsyncIterator[None]:
    """Keep every connection of a world open."""
    tasks = [asyncio.ensure_future(one.run()) for one in world.app.listening]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(
    look: Callable[[], Awaitable[bool]], what: str, *, within_s: float = 20
) -> None:
    """Wait for something that another task does. Raises AssertionError when it does not come."""
    try:
        async with asyncio.timeout(within_s):
            while not await look():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {within_s} s: {what}") from None


async def states(world: World) -> list[str]:
    """Return the states of all pages, oldest first."""
    return [row[0] for row in await world.rows("SELECT state FROM oncall.pages ORDER BY id")]


async def is_in_state(world: World, state: str) -> bool:
    """Say whether the newest page is in a state."""
    return (await states(world))[-1] == state


async def verify(world: World, name: str, kind: MethodKind, address: str) -> None:
    """Mark an address as proved, as a code that was entered would."""
    person = world.app.store.current.part(Directory).person_named(name)
    async with world.app.db.connection() as conn:
        await conn.execute(
            """
            INSERT INTO oncall.contact_states (person_id, fingerprint, kind, verified_at)
            VALUES (%(person)s, %(key)s, %(kind)s, %(now)s)
            """,
            {
                "person": person.id,
                "key": fingerprint_of(kind, address),
                "kind": kind,
                "now": world.clock.now(),
            },
        )


async def said_how(world: World) -> list[tuple[Any, ...]]:
    """Return by what channel pages were acknowledged."""
    return await world.rows(
        "SELECT line::jsonb->'body'->>'channel' FROM kernel.log WHERE kind = 'oncall.page_acknowledged'"
    )
