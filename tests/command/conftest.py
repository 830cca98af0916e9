"""A world in which nothing is configured."""

from collections.abc import AsyncIterator

import pytest

from fakes.world import World, running


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    """The application, with nobody in it but who a test makes up."""
    async with running(dsn) as world:
        yield world
