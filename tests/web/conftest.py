"""The application with a small organisation in it."""

from collections.abc import AsyncIterator

import pytest

from fakes.world import ACME, World, running


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    """Maya and Jonas take turns, Bea is the catch-all; nothing fires yet."""
    async with running(dsn) as world:
        await world.apply(ACME)
        yield world


@pytest.fixture
def acme(world: World) -> World:
    """The same, for modules whose own words speak of the organisation."""
    return world
