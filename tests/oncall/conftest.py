"""A world with a small organisation in it."""

from collections.abc import AsyncIterator

import pytest

from fakes.world import ACME, World, running


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    """Maya and Jonas take turns, Bea is the catch-all."""
    async with running(dsn) as world:
        await world.apply(ACME)
        yield world
