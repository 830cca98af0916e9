"""What goes wrong inside Tocsin is an alert like any other."""

from datetime import timedelta

import pytest

from fakes.world import ACME, NOON, World, running
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.reactions import may
from tocsin.kernel.unit import Unit
from tocsin.oncall import actions as oncall
from tocsin.oncall.core.page import RETRIGGERS_MAX
from tocsin.oncall.events import PageOpened
from tocsin.oncall.ports import Outcome, Outgoing, Sent, TransientFailure

pytestmark = [pytest.mark.db, pytest.mark.journey]

FIRE = {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"}


async def test_a_page_without_its_timer_is_set_going_again_and_paged_about(
    world: World,
) -> None:
    await world.signal(FIRE, ends_at=NOON + timedelta(hours=5))
    async with world.app.db.connection() as conn:
        await conn.execute("DELETE FROM kernel.jobs WHERE kind = 'oncall.page_timer'")
    assert len(await world.app.units.run(SYSTEM, oncall.watch)) == 1
    await world.settle()
    assert "oncall.witness_restored" in await world.story()
    titles = [row[0] for row in await world.rows("SELECT title FROM command.incidents")]
    assert titles == ["HighErrorRate on checkout", "TocsinPageForgotten on tocsin"]
    await world.forward(minutes=6)  # the restored page has gone on to its next step
    assert "oncall.step_called" in (await world.story())[-8:]
    assert await world.app.units.run(SYSTEM, oncall.watch) == []


async def test_an_incident_that_is_acknowledged_for_ever_is_looked_at_in_the_end(
    world: World,
) -> None:
    await world.signal(FIRE, ends_at=NOON + timedelta(days=5))
    [(page_id,)] = await world.rows("SELECT id FROM oncall.pages")
    await world.rows(f"UPDATE oncall.pages SET retriggers = {RETRIGGERS_MAX} RETURNING id")
    await world.app.units.run(
        SYSTEM, lambda unit: oncall.acknowledge(unit, page_id, channel="API")
    )
    await world.forward(minutes=31)
    assert "oncall.retriggers_spent" in await world.story()
    titles = [row[0] for row in await world.rows("SELECT title FROM command.incidents")]
    assert titles == ["HighErrorRate on checkout", "TocsinIncidentForgotten on tocsin"]


async def test_a_reaction_that_failed_is_parked_shown_and_done_later(dsn: str) -> None:
    broken = [True]

    async def note(unit: Unit, event: PageOpened) -> None:
        if broken:
            raise RuntimeError("not today")
        await unit.conn.execute("CREATE TABLE public.noted (page uuid)")

    async with running(dsn) as world:
        await world.apply(ACME)
        world.app.units.reactions = {**world.app.units.reactions, PageOpened: (may(note),)}
        await world.signal(FIRE, ends_at=NOON + timedelta(hours=5))
        assert [row[0] for row in await world.rows("SELECT reaction FROM kernel.parked")] == [
            f"{note.__module__.rsplit('.', 1)[-1]}.note"
        ]
        assert len(world.mail.sent) == 1  # the page went out all the same
        titles = [row[0] for row in await world.rows("SELECT title FROM command.incidents")]
        assert "TocsinReactionParked on tocsin" in titles


async def test_the_last_resort_is_called_again_until_somebody_was_told(dsn: str) -> None:
    """Nobody is configured, so every page is UNPAGEABLE at once."""
    async with running(dsn, last_resort=("mailto:ops@example.org",)) as world:
        down = [True]

        def judge(_: Outgoing) -> Outcome:
            return TransientFailure("connection refused") if down else Sent("ok")

        world.mail.judge = judge
        await world.signal(FIRE, ends_at=NOON + timedelta(hours=5))
        await world.forward(minutes=2)
        assert len(world.mail.to("ops@example.org")) == 3
        down.clear()
        await world.forward(minutes=5)
        assert len(world.mail.to("ops@example.org")) == 4
