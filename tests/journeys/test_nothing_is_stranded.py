"""Ways in which a page could fall between two chairs; each was one once."""

from datetime import timedelta

import pytest

from fakes.world import ACME, NOON, World, running
from tocsin.command import actions as command
from tocsin.command import reads as incidents
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.unit import Unit
from tocsin.oncall import actions as oncall
from tocsin.oncall.ports import Outcome, Outgoing, Sent
from tocsin.triage import actions as triage

pytestmark = [pytest.mark.db, pytest.mark.journey]

NOISE = {"alertname": "Noise", "service": "pay", "severity": "critical"}
DOWN = {"alertname": "PaymentsDown", "service": "pay", "severity": "critical"}
QUIET = {"alertname": "Slow", "service": "pay", "severity": "warning"}
LONG = NOON + timedelta(days=3)
ON_CALL = "jonas@example.org"


async def resolve(world: World, reference: str = "INC-1") -> None:
    async def act(unit: Unit) -> None:
        await command.resolve(unit, (await incidents.incident(unit, reference)).id)

    await world.app.units.run(SYSTEM, act)


async def acknowledge(world: World, reference: str = "INC-1") -> None:
    async def act(unit: Unit) -> None:
        incident = await incidents.incident(unit, reference)
        await oncall.acknowledge_incident(unit, incident.id, channel="test")

    await world.app.units.run(SYSTEM, act)


async def test_a_new_alert_of_an_incident_that_was_called_over_pages_again(
    world: World,
) -> None:
    await world.signal(NOISE, ends_at=LONG)
    await resolve(world)
    await world.forward(hours=1)
    assert len(world.mail.to(ON_CALL)) == 1
    await world.signal(DOWN, ends_at=LONG)
    await world.forward(minutes=1)
    assert len(world.mail.to(ON_CALL)) == 2
    assert await world.rows("SELECT status FROM command.incidents") == [("investigating",)]


async def test_an_alert_that_fires_again_beside_a_noisy_one_pages_again(world: World) -> None:
    await world.signal(NOISE, ends_at=LONG)
    await world.signal(DOWN, ends_at=NOON + timedelta(minutes=10))
    await world.forward(minutes=20)
    await resolve(world)
    sent = len(world.mail.sent)
    await world.forward(hours=20)
    await world.signal(DOWN, ends_at=LONG)
    await world.forward(minutes=1)
    assert len(world.mail.sent) > sent


async def test_a_page_acknowledged_too_often_begins_again_when_there_is_news(
    world: World,
) -> None:
    await world.signal(NOISE, ends_at=LONG)
    for _ in range(13):
        await acknowledge(world)
        await world.forward(minutes=31)
    await acknowledge(world)
    sent = len(world.mail.sent)
    await world.forward(hours=5)
    assert len(world.mail.sent) == sent
    await world.signal(DOWN, ends_at=LONG)
    await world.forward(minutes=1)
    assert len(world.mail.sent) == sent + 1


async def test_urgency_that_rises_after_a_resolve_reopens_and_closes_with_its_alerts(
    world: World,
) -> None:
    await world.signal(QUIET, ends_at=NOON + timedelta(minutes=30))
    await resolve(world)
    await world.signal(DOWN, ends_at=NOON + timedelta(minutes=2))
    assert await world.rows("SELECT status FROM command.incidents") == [("investigating",)]
    assert len(world.mail.to(ON_CALL)) == 1
    await world.forward(hours=2)
    assert await world.rows("SELECT status FROM command.incidents") == [("resolved",)]
    assert await world.rows("SELECT state FROM oncall.pages") == [("resolved",)]


async def test_a_channel_that_raises_costs_no_more_than_its_own_method(world: World) -> None:
    def judge(message: Outgoing) -> Outcome:
        if "@" in message.to:
            raise UnicodeError("a server that answers in Latin-1")
        return Sent("ok")

    world.mail.judge = judge
    await world.signal(NOISE, ends_at=LONG)
    await world.forward(minutes=2)
    tried = [message.to for _, message in world.mail.sent]
    assert tried == [ON_CALL, ON_CALL, ON_CALL, "https://hooks.example.org/jonas"]


async def test_a_refresh_that_is_not_sorted_yet_keeps_its_alert_from_expiring(
    world: World,
) -> None:
    await world.signal(NOISE, ends_at=NOON + timedelta(minutes=4))
    world.clock.forward(minutes=3, seconds=59)
    alert = {"labels": NOISE, "endsAt": (NOON + timedelta(minutes=8)).isoformat()}
    answer = await world.http.post("/api/v2/alerts", json=[alert], headers=world.bearer)
    assert answer.status_code == 200
    kept_at = world.clock.now()
    world.clock.forward(seconds=2)

    async def expire(unit: Unit) -> int:
        return await triage.expire_due(unit, until=kept_at)

    assert await world.app.units.run(SYSTEM, expire) == 0
    await world.settle()
    assert await world.rows("SELECT state FROM triage.alerts") == [("firing",)]


async def test_what_nobody_could_refresh_is_not_called_over(world: World) -> None:
    await world.signal(NOISE, ends_at=NOON + timedelta(minutes=4))
    world.clock.forward(minutes=30)  # Tocsin was down, and is back now
    back_at = world.clock.now()

    async def expire(unit: Unit) -> int:
        return await triage.expire_due(unit, heard_since=back_at)

    assert await world.app.units.run(SYSTEM, expire) == 0
    assert await world.rows("SELECT state FROM triage.alerts") == [("firing",)]


async def test_a_new_acknowledgement_timeout_wakes_nobody_before_its_time(
    world: World,
) -> None:
    await world.apply(ACME.replace("ackTimeout: 30m", "ackTimeout: '0'"))
    await world.signal(NOISE, ends_at=LONG)
    await acknowledge(world)
    await world.forward(minutes=10)
    await world.apply(ACME)
    assert await world.app.units.run(SYSTEM, oncall.watch) == []
    await world.forward(minutes=15)
    assert len(world.mail.sent) == 1
    await world.forward(minutes=6)  # 31 minutes after the acknowledgement
    assert len(world.mail.sent) == 2


async def test_each_alarm_of_a_page_has_a_key_of_its_own_and_none_comes_after_an_answer(
    dsn: str,
) -> None:
    async with running(dsn, last_resort=("mailto:ops@example.org",)) as world:
        await world.signal(NOISE, ends_at=LONG)
        await acknowledge(world)
        await world.forward(minutes=31)
        keys = [message.key for _, message in world.mail.sent]
        assert len(keys) == len(set(keys)) == 2
