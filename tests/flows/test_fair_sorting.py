"""Fair sorting: one integration's flood delays nobody else, and order is kept."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection

from fakes.world import ACME, NOON, World, running
from tocsin.app.loops import Loops
from tocsin.flows.detection import LIGHT_MAX, Sorter
from tocsin.integrations.alertmanager.parse import dedup_key
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.db import Database
from tocsin.kernel.errors import TooMany, Unavailable
from tocsin.kernel.ids import uuid7
from tocsin.signals import store
from tocsin.signals.actions.intake import QUEUE_BYTES_MAX, RECEIPT_BYTES_MIN, Intake
from tocsin.signals.actions.turnstile import LIGHT_BURST
from tocsin.signals.model import Receipt, Signal, Slice, Split
from tocsin.web.inbound import FORMAT

pytestmark = pytest.mark.db

LEFT = """
    SELECT integration, count(*)::int FROM signals.inbox GROUP BY integration ORDER BY integration
"""
STATES = """
    SELECT labels ->> 'alertname', state FROM triage.alerts
     WHERE integration <> 'tocsin' ORDER BY 1
"""
FLOOD = LIGHT_MAX + 8


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    async with running(dsn) as world:
        await world.apply(ACME)
        yield world


class Words:
    """Reads names; one with a minus before it is over, `poison` cannot be read."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def split(self, body: bytes, *, lanes: int) -> Split:  # noqa: ARG002 - the port's
        raise AssertionError("nothing is posted here")

    def read(self, body: bytes, received_at: object) -> tuple[Signal, ...]:  # noqa: ARG002 - the port's
        words = body.decode().split()
        if "poison" in words:
            raise ValueError("no rule can read this")
        self.seen += words
        return tuple(_signal(word) for word in words)


def _signal(word: str) -> Signal:
    labels = {"alertname": word.removeprefix("-"), "severity": "warning"}
    return Signal(
        dedup_key=dedup_key(labels),
        labels=labels,
        annotations={},
        starts_at=NOON - timedelta(hours=1),
        ends_at=NOON - timedelta(minutes=1) if word[0] == "-" else NOON + timedelta(hours=5),
        ends_by_timeout=False,
        source_url="",
    )


def receipt(body: str, sender: str, *, lane: int = 1, late_s: float = 0) -> Receipt:
    at = NOON + timedelta(seconds=late_s)
    return Receipt(uuid7(), lane, at, UUID(int=9), sender, "words", body.encode())


async def keep(world: World, receipts: list[Receipt]) -> None:
    async with world.app.db.connection() as conn:
        await store.keep(conn, receipts)


async def flood(world: World, sender: str = "flood", name: str = "f") -> None:
    await keep(world, [receipt(f"{name}{n}", sender, lane=n % 16) for n in range(FLOOD)])


def sorter_of(world: World, words: Words, *, busy: bool = True) -> Sorter:
    return Sorter(
        world.app.units,
        {"words": words},
        world.clock,
        retention_days=90,
        intake_is_busy=lambda: busy,
    )


async def test_who_sent_little_is_sorted_while_a_flood_waits(world: World) -> None:
    await flood(world)
    await keep(world, [receipt("a", "quiet"), receipt("b", "other", lane=2)])
    words = Words()
    sorter = sorter_of(world, words)
    assert await sorter.beat_light() == 0.0
    assert words.seen == ["a", "b"]
    assert await world.rows(LEFT) == [("flood", FLOOD)]
    assert await sorter.beat_light() > 0
    assert not sorter.wake.is_set()  # sorting the flood yields to a busy intake, as ever
    idle = sorter_of(world, words, busy=False)
    await idle.beat_light()
    assert idle.wake.is_set()
    while await idle.sort_batch():
        pass
    assert await world.rows(LEFT) == []


async def test_a_flood_in_another_sorters_hands_holds_up_nobody(world: World, dsn: str) -> None:
    await flood(world)
    await keep(world, [receipt("a", "quiet", lane=n) for n in range(16)])
    with psycopg.connect(dsn) as other:  # it has all lanes and the flood, as a sorter has
        other.execute("SELECT FROM signals.lanes FOR UPDATE")
        other.execute("DELETE FROM signals.inbox WHERE integration = 'flood'")
        assert await sorter_of(world, Words()).sort_light() == 16


async def test_what_follows_a_receipt_in_other_hands_waits_for_it(
    world: World, dsn: str
) -> None:
    receipts = [receipt(name, "quiet") for name in "abc"]
    await keep(world, [*receipts, receipt("x", "third")])
    words = Words()
    with psycopg.connect(dsn) as other:
        other.execute("DELETE FROM signals.inbox WHERE id = %s", [receipts[1].id])
        assert await sorter_of(world, words).sort_light() == 2
        assert words.seen == ["a", "x"]  # not c: b may be about the same alert
        other.rollback()
    assert await sorter_of(world, words).sort_light() == 2
    assert words.seen == ["a", "x", "b", "c"]


async def test_many_sorters_of_both_kinds_sort_everything_once_and_in_order(
    world: World,
) -> None:
    """A resolve never overtakes its own firing: each name fires and then is over."""
    receipts = [
        receipt(f"{sign}{sender}{n}", sender, lane=n % 16)
        for n in range(30)
        for sender in ("one", "two", "three")
        for sign in ("", "-")
    ]
    await keep(world, receipts)
    await flood(world)
    words = Words()
    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(_drained(sorter_of(world, words), light=True))
            group.create_task(_drained(sorter_of(world, words), light=False))
    assert await world.rows(LEFT) == []
    states = dict(await world.rows(STATES))
    assert {states[name] for name in states if name[0] != "f"} == {"resolved"}
    assert len(states) == 90 + FLOOD
    [(seen,)] = await world.rows(
        "SELECT sum(seen_count)::int FROM triage.alerts WHERE integration <> 'tocsin'"
    )
    assert seen == 180 + FLOOD
    [(fired,)] = await world.rows(
        "SELECT sum(fired_count)::int FROM triage.alerts WHERE integration <> 'tocsin'"
    )
    assert fired == 90 + FLOOD  # none was first heard of when it was over


async def _drained(sorter: Sorter, *, light: bool) -> None:
    while await (sorter.sort_light() if light else sorter.sort_batch(4)):
        await asyncio.sleep(0)


async def test_a_word_that_was_overtaken_by_anothers_changes_nothing(world: World) -> None:
    """Two senders of one alert: the flood's old firing is sorted after the other's resolve."""
    await flood(world)
    await keep(world, [receipt("shared", "flood"), receipt("-shared", "quiet", late_s=2)])
    words = Words()
    world.clock.forward(seconds=3)
    assert await sorter_of(world, words).sort_light() == 1
    while await sorter_of(world, words).sort_batch():
        pass
    assert dict(await world.rows(STATES))["shared"] == "resolved"
    assert "shared" not in str(await world.rows("SELECT title FROM command.incidents"))


async def test_what_cannot_be_read_is_left_to_those_who_find_it(world: World) -> None:
    await keep(world, [receipt("a", "quiet"), receipt("poison", "broken")])
    sorter = sorter_of(world, Words(), busy=False)
    assert await sorter.sort_light() == 0
    assert sorter.wake.is_set()
    assert await sorter.beat_light() > 0  # for a moment it leaves all to them
    while await sorter.sort_batch():
        pass
    assert await world.rows("SELECT integration FROM signals.unsortable") == [("broken",)]
    assert dict(await world.rows(STATES)) == {"a": "firing"}


# -- intake ----------------------------------------------------------------------------------

PART = Slice(lane=0, body=b"[]", count=1)


@pytest.fixture
async def intake(world: World) -> AsyncIterator[Intake]:
    """Nothing empties it."""
    intake = Intake(world.app.db, world.clock)
    yield intake
    for group in intake._groups:
        for waiter in group.waiters:
            waiter.cancel()


async def fill(intake: Intake, sender: str, share: float) -> None:
    count = int(QUEUE_BYTES_MAX * share) // RECEIPT_BYTES_MIN
    task = asyncio.ensure_future(intake.accept(SYSTEM, FORMAT, [PART] * count, sender))
    await asyncio.sleep(0)
    if task.done():
        await task
    task.add_done_callback(lambda done: done.cancelled() or done.exception())


async def test_one_that_fills_the_queue_leaves_room_for_others(intake: Intake) -> None:
    await fill(intake, "flood", 0.51)
    with pytest.raises(TooMany, match="flood has more than its share") as caught:
        await fill(intake, "flood", 0.01)
    assert caught.value.retry_after_s == 1
    await fill(intake, "quiet", 0.01)
    over = Slice(lane=0, body=b"[]", count=1, ends=True)
    waiting = asyncio.ensure_future(intake.accept(SYSTEM, FORMAT, [over], "flood"))
    await asyncio.sleep(0)
    assert not waiting.done()  # that something is over finds room too
    await fill(intake, "quiet", 0.5)
    with pytest.raises(Unavailable, match="full"):
        await fill(intake, "other", 0.01)


class Slow:
    """Lends the first who asks a connection only once it may."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.asked = 0
        self.may = asyncio.Event()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        self.asked += 1
        if self.asked == 1:
            await self.may.wait()
        async with self._world.app.db.connection() as conn:
            yield conn


async def test_who_sends_little_does_not_wait_for_the_commit_of_a_flood(world: World) -> None:
    slow = Slow(world)
    intake = Intake(cast("Database", slow), world.clock)
    running_ = asyncio.ensure_future(intake.run())
    intake.pulse = world.app.intake.pulse
    for _ in range(int(LIGHT_BURST) + 1):
        intake.turnstile.passes("flood", 1)
    flood = asyncio.ensure_future(intake.accept(SYSTEM, FORMAT, [PART], "flood"))
    while not slow.asked:
        await asyncio.sleep(0)
    await intake.accept(SYSTEM, FORMAT, [PART], "quiet")
    assert not flood.done()
    slow.may.set()
    await flood
    running_.cancel()
    kept = await world.rows(LEFT)
    assert kept == [("flood", 1), ("quiet", 1)]


async def test_only_who_is_behind_is_refused_and_may_still_say_what_is_over(
    world: World,
) -> None:
    tokens = {
        name: await world.make_token(name, Role.INTEGRATION) for name in ("flood", "quiet")
    }

    async def post(name: str, **more: str) -> int:
        answer = await world.http.post(
            "/api/v2/alerts",
            json=[{"labels": {"alertname": "Down"}, **more}],
            headers={"authorization": f"Bearer {tokens[name]}"},
        )
        if answer.status_code >= 429:
            assert answer.headers["retry-after"] == "1"
        return int(answer.status_code)

    loops, over = Loops(world.app), {"endsAt": "2026-01-01T00:00:00Z"}
    limit_s = world.app.settings.lag_limit_s
    assert await post("flood") == 200
    world.clock.forward(seconds=limit_s + 1)
    await loops._pressure()
    assert await post("flood") == 503
    assert await post("quiet") == 200
    assert await post("flood", **over) == 200
    world.clock.forward(seconds=limit_s)
    await loops._pressure()
    assert await post("flood", **over) == 503
    await world.settle()
    await loops._pressure()
    assert await post("flood") == 200
