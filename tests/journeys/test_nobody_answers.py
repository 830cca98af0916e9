"""Nobody acknowledges: steps, repeat and catch-all come at the right instants, then the alarm."""

from datetime import timedelta

import pytest

from fakes.world import NOON, World

pytestmark = [pytest.mark.db, pytest.mark.journey]

FIRE = {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"}


def minutes(world: World, address: str) -> list[float]:
    return [(at - NOON) / timedelta(minutes=1) for at in world.mail.to(address)]


async def test_an_unanswered_page_climbs_every_step_repeats_and_ends_at_the_catch_all(
    world: World,
) -> None:
    await world.signal(FIRE, ends_at=NOON + timedelta(hours=5))
    await world.forward(minutes=75)
    # step 1 (5 min), step 2 (10 min), once more, then the catch-all every 10 min
    on_call = "jonas@example.org"  # his week by Berlin's wall clock
    assert minutes(world, on_call) == [0, 5, 15, 20]
    assert minutes(world, "boss@example.org") == [30, 40, 50, 60, 70]
    assert world.mail.to("maya@example.org") == []


async def test_the_alarm_is_raised_once_when_the_catch_all_stays_silent(world: World) -> None:
    await world.signal(FIRE, ends_at=NOON + timedelta(hours=5))
    await world.forward(minutes=120)
    story = await world.story()
    assert story.count("oncall.page_unpageable") == 1
    assert story.count("oncall.last_resort_called") == 1
    assert (await world.rows("SELECT unpageable, state FROM oncall.pages")) == [
        (True, "escalating")
    ]


async def test_an_acknowledgement_stops_everything_until_it_runs_out(world: World) -> None:
    await world.signal(FIRE, ends_at=NOON + timedelta(hours=5))
    await world.forward(minutes=2)
    answer = await world.http.post("/api/v1/incidents/INC-1/acknowledge", headers=world.bearer)
    assert answer.status_code in (200, 201), answer.text
    await world.forward(minutes=29)
    assert len(world.mail.sent) == 1
    await world.forward(minutes=2)  # 30 minutes after the acknowledgement: called again
    assert minutes(world, "jonas@example.org") == [0, 32]


async def test_a_resolve_closes_page_and_incident_and_nothing_is_sent_any_more(
    world: World,
) -> None:
    await world.signal(FIRE, ends_at=NOON + timedelta(minutes=3))
    await world.forward(hours=2)
    assert minutes(world, "jonas@example.org") == [0]
    assert await world.rows("SELECT status FROM command.incidents") == [("resolved",)]
    assert await world.rows("SELECT state FROM oncall.pages") == [("resolved",)]


async def test_firing_again_within_15_minutes_reopens_and_later_is_a_new_incident(
    world: World,
) -> None:
    await world.signal(FIRE, ends_at=NOON + timedelta(minutes=3))
    await world.forward(minutes=10)
    await world.signal(FIRE, ends_at=NOON + timedelta(minutes=12))
    assert minutes(world, "jonas@example.org") == [0, 10]
    await world.forward(minutes=30)
    await world.signal(FIRE, ends_at=NOON + timedelta(hours=2))
    assert await world.rows("SELECT number, status FROM command.incidents ORDER BY number") == [
        (1, "resolved"),
        (2, "investigating"),
    ]


async def test_a_failing_method_is_followed_by_the_next_one(world: World) -> None:
    from tocsin.oncall.ports import PermanentFailure, Sent

    world.mail.judge = lambda m: (
        PermanentFailure("550 no such mailbox") if "@" in m.to else Sent("ok")
    )
    await world.signal(FIRE, ends_at=NOON + timedelta(hours=5))
    assert [m.to for _, m in world.mail.sent] == [
        "jonas@example.org",
        "https://hooks.example.org/jonas",
    ]


async def test_a_page_without_any_policy_is_unpageable_at_once(dsn: str) -> None:
    from fakes.world import running

    async with running(dsn) as world:
        await world.signal(FIRE, ends_at=NOON + timedelta(hours=5))
        story = await world.story()
        assert "oncall.page_unpageable" in story
        assert await world.rows("SELECT state, unpageable FROM oncall.pages") == [
            ("escalating", True)
        ]
