"""Detection: whatever stands in the inbox, what stands behind it is sorted, and nothing is lost."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from fakes.world import ACME, NOON, World, running
from tocsin.flows.detection import Sorter
from tocsin.integrations.alertmanager.parse import dedup_key
from tocsin.kernel.access import Role
from tocsin.kernel.ids import uuid7
from tocsin.kernel.metrics import UNSORTABLE
from tocsin.signals import store
from tocsin.signals.model import Receipt, Signal, Split
from tocsin.triage.model import MAX_NEW_GROUPS, STORM_PER_MINUTE
from tocsin.web.inbound import FORMAT

pytestmark = pytest.mark.db

# Tocsin's own alerts aside
ALERTS = """
    SELECT labels ->> 'alertname', state
      FROM triage.alerts
     WHERE integration <> 'tocsin'
     ORDER BY 1
"""
LEFT = "SELECT count(*) FROM signals.inbox"
INCIDENTS = "SELECT title, urgency FROM command.incidents ORDER BY number"


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    async with running(dsn) as world:
        await world.apply(ACME)
        yield world


class Names:
    """Reads a body of names separated by spaces, one alert each; `poison` makes it raise."""

    def __init__(self, before: Callable[[], None] = lambda: None) -> None:
        self.batches: list[str] = []
        self._before = before

    def split(self, body: bytes, *, lanes: int) -> Split:  # noqa: ARG002 - the port's
        raise AssertionError("nothing is posted here")

    def read(self, body: bytes, received_at: datetime) -> tuple[Signal, ...]:
        words = body.decode().split()
        if "poison" in words:
            self._before()
            raise ValueError("no rule can read this")
        self.batches += words
        return tuple(_signal(word, received_at) for word in words)


def _signal(name: str, at: datetime) -> Signal:
    labels = {"alertname": name, "severity": "warning"}
    return Signal(
        dedup_key=dedup_key(labels),
        labels=labels,
        annotations={},
        starts_at=at,
        ends_at=at + timedelta(hours=5),
        ends_by_timeout=True,
        source_url="",
    )


def sorter_of(world: World, parser: Names) -> Sorter:
    return Sorter(
        world.app.units,
        {"names": parser},
        world.clock,
        retention_days=90,
        intake_is_busy=lambda: False,
    )


def receipt(body: str, lane: int = 1, integration: str = "nagios") -> Receipt:
    return Receipt(uuid7(), lane, NOON, UUID(int=9), integration, "names", body.encode())


async def keep(world: World, receipts: Sequence[Receipt]) -> None:
    async with world.app.db.connection() as conn:
        await store.keep(conn, receipts)


async def sort_all(sorter: Sorter) -> int:
    """Sort until nothing is left; return how many batches it took."""
    batches = 0
    while await sorter.sort_batch():
        batches += 1
        assert batches < 100
    return batches


async def test_a_poison_is_set_aside_paged_about_and_what_stands_behind_it_is_sorted(
    world: World,
) -> None:
    before = UNSORTABLE._value.get()
    bodies = ["a b", "c", "poison d", "e", "f g"]
    kept = [receipt(body) for body in bodies]
    await keep(world, kept)
    await sort_all(sorter_of(world, Names()))
    assert [name for name, _ in await world.rows(ALERTS)] == list("abcefg")
    assert await world.rows(LEFT) == [(0,)]
    assert await world.rows("SELECT id, body, error FROM signals.unsortable") == [
        (kept[2].id, b"poison d", "ValueError: no rule can read this")
    ]
    assert UNSORTABLE._value.get() == before + 1
    await world.settle()
    found = await world.rows(INCIDENTS)
    assert ("TocsinSignalUnsortable on tocsin", "high") in found
    assert len(found) == 7
    # the default policy's first step; the low ones wake nobody
    assert [message.to for _, message in world.mail.sent] == ["jonas@example.org"]
    assert "signals.signal_unsortable" in await world.story()


async def test_a_poison_of_the_real_format_stops_nobody_either(world: World) -> None:
    for form, body in ((FORMAT, b"[{"), ("no.such.format", b"[]")):
        broken = Receipt(uuid7(), 4, NOON, UUID(int=9), "prom", form, body)
        await keep(world, [broken])
    await world.signal({"alertname": "Real", "severity": "critical"})
    assert [name for name, _ in await world.rows(ALERTS)] == ["Real"]
    assert await world.rows("SELECT count(*) FROM signals.unsortable") == [(2,)]
    assert len(world.mail.sent) == 2  # one for the alert, one for all that this sender spoils


async def test_many_poisons_among_many_are_found_one_by_one(world: World) -> None:
    bodies = ["poison" if n % 7 == 3 else f"n{n}" for n in range(30)]
    await keep(world, [receipt(body, lane=n % 3) for n, body in enumerate(bodies)])
    parser = Names()
    await sort_all(sorter_of(world, parser))
    assert len(await world.rows(ALERTS)) == 26
    assert await world.rows("SELECT count(*) FROM signals.unsortable") == [(4,)]


async def test_only_the_poison_itself_is_set_aside_though_an_older_one_turns_up_meanwhile(
    world: World, dsn: str
) -> None:
    """Another process may commit a receipt with an older id in another lane at any instant."""
    older, poison = receipt("innocent", lane=9), receipt("poison", lane=1)

    def commit_older() -> None:
        turned_up.append(older)
        if len(turned_up) > 1:
            return
        with psycopg.connect(dsn, autocommit=True) as conn:
            conn.execute(
                """
                INSERT INTO signals.inbox
                       (lane, id, received_at, actor_id, integration, format, body)
                VALUES (%s, %s, %s, %s, %s, %s, %s)
                """,
                [older.lane, older.id, NOON, older.actor_id, "nagios", "names", older.body],
            )

    turned_up: list[Receipt] = []
    await keep(world, [poison])
    sorter = sorter_of(world, Names(before=commit_older))
    await sort_all(sorter)
    assert await world.rows("SELECT id FROM signals.unsortable") == [(poison.id,)]
    assert [name for name, _ in await world.rows(ALERTS)] == ["innocent"]


async def test_two_sorters_set_a_poison_aside_once(world: World) -> None:
    await keep(world, [receipt("poison"), receipt("a", lane=2), receipt("b", lane=3)])
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(sort_all(sorter_of(world, Names())))
    assert await world.rows("SELECT count(*) FROM signals.unsortable") == [(1,)]
    assert [name for name, _ in await world.rows(ALERTS)] == ["a", "b"]


async def test_a_batch_that_would_open_too_many_groups_is_cut_and_nothing_is_set_aside(
    world: World,
) -> None:
    count = MAX_NEW_GROUPS + 40
    senders = ("one", "two", "three", "four")  # each opens fewer than make a storm
    await keep(
        world,
        [receipt(f"n{n:03}", lane=n % 16, integration=senders[n % 4]) for n in range(count)],
    )
    parser = Names()
    assert await sort_all(sorter_of(world, parser)) > 1
    assert len(await world.rows(ALERTS)) == count
    assert await world.rows("SELECT count(*) FROM triage.groups") == [(count,)]
    assert await world.rows("SELECT count(*) FROM signals.unsortable") == [(0,)]


async def test_a_storm_of_one_integration_is_one_incident_more_and_not_hundreds(
    world: World,
) -> None:
    names = [f"n{n:03}" for n in range(200)]
    await keep(world, [receipt(" ".join(names[:90])), receipt(" ".join(names[90:]))])
    await keep(world, [receipt("calm", integration="other")])
    await sort_all(sorter_of(world, Names()))
    assert len(await world.rows(ALERTS)) == 201
    assert await world.rows(
        """
        SELECT integration, storm, count(*)::int, sum(alert_count)::int
          FROM triage.groups GROUP BY 1, 2 ORDER BY 1, 2
        """
    ) == [
        ("nagios", False, STORM_PER_MINUTE, STORM_PER_MINUTE),
        ("nagios", True, 1, 200 - STORM_PER_MINUTE),
        ("other", False, 1, 1),
    ]
    assert len(await world.rows(INCIDENTS)) == STORM_PER_MINUTE + 2


async def test_an_alert_nobody_refreshes_ends_at_the_resolve_timeout(world: World) -> None:
    fire = {"alertname": "Down", "severity": "critical"}
    await world.signal(fire)
    await world.forward(seconds=200)
    await world.signal(fire)  # heard of again: the timeout starts anew
    await world.forward(seconds=299)
    assert await world.rows(ALERTS) == [("Down", "firing")]
    await world.forward(seconds=1)
    assert await world.rows(ALERTS) == [("Down", "resolved")]
    assert await world.rows("SELECT status, resolved_by FROM command.incidents") == [
        ("resolved", "alerts")
    ]


async def test_sorting_yields_to_intake_until_a_signal_is_three_seconds_old(
    world: World,
) -> None:
    sorter = Sorter(
        world.app.units, {"names": Names()}, world.clock, retention_days=90,
        intake_is_busy=lambda: True,
    )  # fmt: skip
    assert await sorter.beat() == 1.0  # nothing to do: look again later
    await keep(world, [receipt("a")])
    assert 0 < await sorter.beat() < 1
    sorter.hint({"prom"})
    assert not sorter.wake.is_set()
    assert await world.rows(LEFT) == [(1,)]
    world.clock.forward(seconds=3)
    assert await sorter.beat() == 0.0
    assert await world.rows(LEFT) == [(0,)]


async def test_firing_and_resolving_in_one_batch_is_one_incident_that_is_over(
    world: World,
) -> None:
    labels: Mapping[str, str] = {"alertname": "Blip", "severity": "critical"}
    ends_at = (NOON - timedelta(seconds=1)).isoformat()
    token = await world.make_token("prom", Role.INTEGRATION)
    headers = {"authorization": f"Bearer {token}"}
    for alert in ({"labels": labels}, {"labels": labels, "endsAt": ends_at}):
        answer = await world.http.post("/api/v2/alerts", json=[alert], headers=headers)
        assert answer.status_code == 200
    await world.settle()
    assert await world.rows(ALERTS) == [("Blip", "resolved")]
    assert await world.rows("SELECT status FROM command.incidents") == [("resolved",)]


async def test_sorted_receipts_are_kept_until_their_retention_is_over(world: World) -> None:
    await keep(world, [receipt("a"), receipt("b")])
    sorter = sorter_of(world, Names())
    await sort_all(sorter)
    kept = "SELECT count(*) FROM signals.receipts"
    assert await world.rows(kept) == [(2,)]
    world.clock.forward(hours=24 * 90)
    await sorter.sort_batch()
    assert await world.rows(kept) == [(2,)]
    world.clock.forward(hours=24)
    await sorter.sort_batch()
    assert await world.rows(kept) == [(0,)]


async def test_a_signal_of_long_ago_is_sorted_and_not_lost_for_want_of_a_partition(
    world: World,
) -> None:
    """Tocsin was down for a week with the signal in its inbox."""
    old = Receipt(
        uuid7(), 1, datetime(2026, 3, 20, tzinfo=UTC), UUID(int=9), "nagios", "names", b"late"
    )
    await keep(world, [old])
    await sort_all(sorter_of(world, Names()))
    assert [name for name, _ in await world.rows(ALERTS)] == ["late"]
    assert await world.rows("SELECT count(*) FROM signals.unsortable") == [(0,)]
