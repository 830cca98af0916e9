"""A node without a channel leaves what goes by it to a node that has it, and kills no page."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import cast

import pytest

from fakes.world import ACME, Mailbox, World, running
from tocsin.app.wiring import Application
from tocsin.kernel.abilities import RESTART
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.settings import Settings
from tocsin.kernel.worker import LEFT_TO_OTHERS
from tocsin.oncall.model import MethodKind
from tocsin.oncall.ports import Channel

pytestmark = pytest.mark.db
FIRE = {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"}


@asynccontextmanager
async def another(dsn: str, first: World) -> AsyncIterator[tuple[Application, Mailbox]]:
    """Run another node on the same database, with all channels."""
    mail = Mailbox(first.clock)
    channels = dict.fromkeys(MethodKind, cast("Channel", mail))
    app = Application(Settings(), dsn, clock=first.clock, channels=channels)
    await app.open()
    try:
        yield app, mail
    finally:
        await app.close()


async def alive(app: Application) -> None:
    """Do what its loop does."""
    await app.abilities.beat(app.clock.now())


async def attempts(world: World) -> list[tuple[object, ...]]:
    return await world.rows("SELECT outcome FROM oncall.attempts")


async def test_a_message_waits_for_the_node_that_can_send_it(dsn: str) -> None:
    async with running(dsn) as without, another(dsn, without) as (having, mail):
        await without.apply(ACME)
        del without.channels[MethodKind.EMAIL]
        await alive(having)
        await without.signal(FIRE)
        assert await attempts(without) == []
        await having.worker.drain()
        assert await attempts(without) == [("sent",)]
        assert [one.to for _, one in mail.sent] == ["jonas@example.org"]
        assert without.mail.sent == []


async def test_where_no_other_node_is_the_next_method_has_its_turn_at_once(dsn: str) -> None:
    async with running(dsn) as without:
        await without.apply(ACME)
        del without.channels[MethodKind.EMAIL]
        await without.signal(FIRE)
        errors = await without.rows("SELECT error FROM oncall.attempts ORDER BY started_at")
        assert errors[0] == ("no email is set up here; see TOCSIN_SMTP_URL",)


async def test_a_node_that_is_gone_is_waited_for_as_long_as_a_restart_takes(dsn: str) -> None:
    async with running(dsn) as without, another(dsn, without) as (having, _):
        await without.apply(ACME)
        del without.channels[MethodKind.EMAIL]
        await alive(having)
        await alive(without.app)
        await having.abilities.close()
        await without.signal(FIRE)
        await turn(without, LEFT_TO_OTHERS)
        assert await attempts(without) == []
        await turn(without, RESTART)
        assert (await attempts(without))[0] == ("permanent",)


async def test_a_node_that_says_nothing_any_more_is_not_waited_for(dsn: str) -> None:
    async with running(dsn) as without, another(dsn, without) as (having, _):
        await alive(having)
        without.app.abilities.silent_s = 0.0
        del without.channels[MethodKind.EMAIL]
        elsewhere = without.app.abilities.elsewhere
        assert not await without.app.units.run(SYSTEM, lambda u: elsewhere(u, MethodKind.EMAIL))


async def turn(world: World, later: timedelta) -> None:
    """Let time pass and the worker look again."""
    world.clock.forward(seconds=later.total_seconds())
    await world.app.worker.drain()
