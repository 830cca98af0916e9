"""What intake has counted outlives the end of the process, and a database that is away."""

from typing import Any

import pytest

from fakes.world import World, running
from tocsin.app.loops import Loops
from tocsin.kernel.access import Role
from tocsin.signals import actions as intake

pytestmark = pytest.mark.db


async def stats(world: World) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = await world.rows(
        "SELECT messages, refusals, last_error FROM signals.integration_stats"
    )
    return found


async def refuse(world: World) -> None:
    token = await world.make_token("shop", Role.INTEGRATION)
    await world.http.post("/v2/enqueue", json={"routing_key": token, "event_action": "dance"})


async def test_the_last_error_before_the_end_is_kept(dsn: str) -> None:
    async with running(dsn) as world:
        await refuse(world)
        assert await stats(world) == []
        await Loops(world.app).finish()
        [(messages, refusals, error)] = await stats(world)
        assert (messages, refusals) == (0, 1)
        assert error


async def test_what_could_not_be_written_down_is_written_later(dsn: str) -> None:
    async with running(dsn) as world:
        await refuse(world)
        app = world.app
        tally, now = app.intake.tally, app.clock.now()
        with pytest.raises(OSError, match="away"):
            await intake.flush_tally(Away(), tally, now=now)  # type: ignore[arg-type]
        await Loops(app).finish()
        assert [row[:2] for row in await stats(world)] == [(0, 1)]


class Away:
    """A database that cannot be reached."""

    def connection(self) -> Any:
        raise OSError("away")
