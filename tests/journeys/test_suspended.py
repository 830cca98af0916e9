"""A laptop sleeps for eight hours: it pages what is still true, one rung of it, and no burst."""

from datetime import timedelta

import pytest

from fakes.world import NOON, World
from tocsin.app.loops import RETURN_GRACE, Loops
from tocsin.kernel import job_queue

pytestmark = [pytest.mark.db, pytest.mark.journey]

FIRE = {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"}
STATE = "SELECT state FROM triage.alerts WHERE labels ->> 'alertname' = 'HighErrorRate'"
PAGES = "SELECT state FROM oncall.pages"


class Laptop:
    """The duties that run by themselves, done once, as when the lid is opened."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.loops = Loops(world.app)

    async def look(self) -> None:
        """Let every loop come round."""
        for _ in range(3):
            while await self.world.app.sorter.sort_batch():
                pass
            await self.loops._expire()
            await self.loops._watch()
            await self.world.app.worker.drain()

    async def sleep(self, **amount: float) -> int:
        """Close the lid and open it; return how many messages left when it woke."""
        before = len(self.world.mail.sent)
        self.world.clock.forward(**amount)
        await self.look()
        return len(self.world.mail.sent) - before


@pytest.fixture
def laptop(world: World) -> Laptop:
    return Laptop(world)


async def page_first_rung(laptop: Laptop) -> None:
    await laptop.world.signal(FIRE, ends_at=NOON + timedelta(minutes=4))
    assert len(laptop.world.mail.sent) == 1
    await laptop.look()
    assert len(laptop.world.mail.sent) == 1


async def test_eight_hours_later_one_rung_is_called_and_not_all_that_was_missed(
    laptop: Laptop,
) -> None:
    world = laptop.world
    await page_first_rung(laptop)
    assert await laptop.sleep(hours=8) == 1  # two rungs, a repeat and 46 catch-alls were due
    woken = [message.key for at, message in world.mail.sent if at == world.clock.now()]
    assert len(woken) == 1
    assert "/s1/" in woken[0] or "/s2/" in woken[0], woken
    async with world.app.db.connection() as conn:
        timer_at = (await job_queue.next_due(conn)).timer
    assert timer_at is not None
    assert timer_at > world.clock.now()  # the ladder goes on from here, at its own pace


async def test_what_nobody_could_refresh_is_not_over(laptop: Laptop) -> None:
    world = laptop.world
    await page_first_rung(laptop)
    await laptop.sleep(hours=8)
    assert await world.rows(STATE) == [("firing",)]
    assert await world.rows(PAGES) == [("escalating",)]
    world.clock.forward(minutes=1)
    await laptop.look()
    await world.signal(FIRE, ends_at=world.clock.now() + timedelta(minutes=4))  # it still is
    assert await world.rows(STATE) == [("firing",)]
    assert await world.rows("SELECT count(*)::int FROM command.incidents") == [(1,)]


async def test_what_is_not_refreshed_after_the_sender_had_time_is_over(laptop: Laptop) -> None:
    world = laptop.world
    await page_first_rung(laptop)
    await laptop.sleep(hours=8)
    for _ in range(int(RETURN_GRACE / timedelta(seconds=20)) + 1):
        world.clock.forward(seconds=20)
        await laptop.look()
    assert await world.rows(STATE) == [("resolved",)]
    assert await world.rows(PAGES) == [("resolved",)]


async def test_what_was_acknowledged_before_calls_once_when_the_acknowledgement_ran_out(
    laptop: Laptop,
) -> None:
    world = laptop.world
    await page_first_rung(laptop)
    answer = await world.http.post("/api/v1/incidents/INC-1/acknowledge", headers=world.bearer)
    assert answer.status_code in (200, 201), answer.text
    await laptop.look()
    assert await laptop.sleep(hours=8) == 1


async def test_what_was_resolved_while_it_slept_is_said_by_the_sender_and_pages_nobody(
    laptop: Laptop,
) -> None:
    """Prometheus sends what is over for 15 minutes; here it is the first thing that is heard."""
    world = laptop.world
    await page_first_rung(laptop)
    world.clock.forward(hours=8)
    await world.http.post(
        "/api/v2/alerts",
        json=[{"labels": FIRE, "endsAt": (NOON + timedelta(hours=7)).isoformat()}],
        headers=world.bearer,
    )
    await laptop.look()
    assert len(world.mail.sent) == 1
    assert await world.rows(PAGES) == [("resolved",)]
