"""On-call's verbs on real rows: who was too late, what was fenced off, and who is told at last."""

import asyncio
from datetime import timedelta

import pytest

from fakes.patience import until_waiting
from fakes.world import ACME, NOON, World, running
from tocsin.app.loops import Loops
from tocsin.command import actions as command
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM, Actor
from tocsin.kernel.errors import Forbidden, NotFound
from tocsin.kernel.ids import IncidentId, PageId, uuid7
from tocsin.kernel.metrics import UNPAGEABLE, WITNESS_RESTORED
from tocsin.kernel.unit import Unit
from tocsin.oncall import actions as oncall
from tocsin.oncall import store
from tocsin.oncall.model import Page, TimerKind
from tocsin.oncall.ports import Outcome, PermanentFailure, Sent, TransientFailure

pytestmark = pytest.mark.db

FIRE = {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"}
FOR_HOURS = NOON + timedelta(hours=9)
STATES = "SELECT state FROM oncall.pages ORDER BY id"
TOKEN = Actor(kind="token", id=uuid7(), name="ci", role=Role.RESPONDER)
JONAS = "jonas@example.org"


class Killed(BaseException):
    """The process is gone: nobody catches this, and nothing is given back."""


async def fire(world: World) -> PageId:
    """Let an alert fire and be paged about."""
    await world.signal(FIRE, ends_at=FOR_HOURS)
    [(page_id,)] = await world.rows("SELECT id FROM oncall.pages")
    return PageId(page_id)


async def fire_unsent(world: World) -> PageId:
    """Let an alert fire and be sorted; the message waits."""
    alert = {"labels": FIRE, "endsAt": FOR_HOURS.isoformat()}
    await world.http.post("/api/v2/alerts", json=[alert], headers=world.bearer)
    await world.app.sorter.sort_batch()
    [(page_id,)] = await world.rows("SELECT id FROM oncall.pages")
    return PageId(page_id)


async def acknowledge(world: World, page_id: PageId, actor: Actor = TOKEN) -> Page:
    return await world.app.units.run(
        actor, lambda unit: oncall.acknowledge(unit, page_id, channel="API")
    )


async def resolve(world: World) -> None:
    [(incident_id,)] = await world.rows("SELECT id FROM command.incidents WHERE number = 1")
    await world.app.units.run(
        TOKEN, lambda unit: command.resolve(unit, IncidentId(incident_id))
    )


async def person(world: World, name: str) -> Actor:
    [(uid,)] = await world.rows(f"SELECT uid FROM kernel.resources WHERE name = '{name}'")
    return Actor(kind="person", id=uid, name=name, role=Role.RESPONDER, person_id=uid)


@pytest.mark.parametrize("first", ["acknowledge", "resolve"])
async def test_an_acknowledgement_that_races_a_resolve_never_reopens(
    world: World, first: str
) -> None:
    page_id = await fire(world)
    async with world.app.db.connection() as conn, conn.transaction():
        await store.page_for_update(conn, page_id)  # both must queue for the page
        racers = [acknowledge(world, page_id), resolve(world)]
        ordered = racers if first == "acknowledge" else racers[::-1]
        running_ = []
        for count, racer in enumerate(ordered, 1):
            running_.append(asyncio.ensure_future(racer))
            await until_waiting(world.app.db, count)
    for one in running_:
        await one
    assert await world.rows(STATES) == [("resolved",)]
    assert await world.rows("SELECT status FROM command.incidents") == [("resolved",)]
    await world.forward(hours=3)
    assert await world.rows(STATES) == [("resolved",)]
    assert len(world.mail.sent) == 1  # nobody is called for what is over


async def test_an_acknowledgement_after_the_resolve_changes_nothing(world: World) -> None:
    page_id = await fire(world)
    await resolve(world)
    before = await world.rows("SELECT * FROM oncall.pages")
    assert (await acknowledge(world, page_id)).acknowledged_at is None
    assert await world.rows("SELECT * FROM oncall.pages") == before
    await world.settle()
    story = await world.story()
    assert not [kind for kind in story if "acknowledged" in kind]


async def test_a_second_person_helps_and_the_first_stays_the_one_who_took_it(
    world: World,
) -> None:
    page_id = await fire(world)
    maya, jonas = await person(world, "maya"), await person(world, "jonas")
    for actor in (jonas, maya, maya, jonas):
        await acknowledge(world, page_id, actor)
    await world.settle()
    assert await world.rows("SELECT acknowledged_by FROM oncall.pages") == [(jonas.id,)]
    joined = await world.rows("SELECT person_id FROM command.responders ORDER BY joined_at")
    assert {row[0] for row in joined} == {maya.id, jonas.id}
    assert (await world.story()).count("oncall.page_acknowledged") == 1


async def test_what_was_queued_before_the_acknowledgement_is_not_sent_and_says_why(
    world: World,
) -> None:
    page_id = await fire_unsent(world)
    await acknowledge(world, page_id)
    await world.settle()
    assert world.mail.sent == []
    assert await world.rows("SELECT state, attempt_count FROM oncall.notifications") == [
        ("suppressed", 0)
    ]
    assert (await world.story()).count("oncall.notification_suppressed") == 1


async def test_a_claim_waits_for_the_acknowledgement_under_way(world: World) -> None:
    page_id = await fire_unsent(world)
    [(notification_id,)] = await world.rows("SELECT id FROM oncall.notifications")
    taken, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(unit: Unit) -> None:
        await oncall.acknowledge(unit, page_id, channel="API")
        taken.set()
        await go_on.wait()

    units = world.app.units
    async with asyncio.TaskGroup() as group:
        group.create_task(units.run(TOKEN, slowly))
        await taken.wait()
        claim = group.create_task(
            units.run(SYSTEM, lambda unit: oncall.claim(unit, notification_id))
        )
        await until_waiting(world.app.db)
        go_on.set()
    assert claim.result() is None


async def test_every_attempt_is_recorded_with_its_outcome(world: World) -> None:
    answers: list[Outcome] = [
        TransientFailure(f"451 {JONAS} is greylisted"),
        TransientFailure("timeout"),
        Sent("queued as 7"),
    ]
    world.mail.judge = lambda _message: answers[len(world.mail.sent) - 1]
    await fire(world)
    await world.forward(minutes=4)
    assert await world.rows(
        "SELECT number, outcome, provider_id, error FROM oncall.attempts ORDER BY number"
    ) == [
        (1, "transient", "", f"451 {JONAS} is greylisted"),
        (2, "transient", "", "timeout"),
        (3, "sent", "queued as 7", ""),
    ]
    assert await world.rows("SELECT state, attempt_count FROM oncall.notifications") == [
        ("sent", 3)
    ]
    keys = {message.key for _, message in world.mail.sent}
    assert len(keys) == 1  # one message, whatever its attempts
    lines = "".join(row[0] for row in await world.rows("SELECT line FROM kernel.log"))
    assert "greylisted" in lines
    assert JONAS not in lines  # a provider's answer quotes the address


async def test_a_process_that_dies_between_send_and_record_sends_again_under_the_same_key(
    world: World,
) -> None:
    def die_once(message: object) -> Sent:
        if len(world.mail.sent) == 1:
            raise Killed
        return Sent("ok")

    world.mail.judge = die_once
    with pytest.raises(Killed):
        await fire(world)
    await world.forward(minutes=1)  # its lease runs out
    assert len(world.mail.sent) == 2
    assert len({message.key for _, message in world.mail.sent}) == 1
    assert await world.rows("SELECT number, outcome FROM oncall.attempts ORDER BY number") == [
        (1, None),
        (2, "sent"),
    ]


async def test_an_errand_that_is_queued_twice_sends_once(world: World) -> None:
    await fire(world)
    [(notification_id,)] = await world.rows("SELECT id FROM oncall.notifications")

    async def again(unit: Unit) -> None:
        unit.defer(oncall.Deliver(notification_id=notification_id))

    await world.app.units.run(SYSTEM, again)
    await world.settle()
    assert len(world.mail.sent) == 1
    assert await world.rows("SELECT state FROM oncall.notifications") == [("sent",)]


async def test_a_page_that_is_open_is_not_opened_twice(world: World) -> None:
    page_id = await fire(world)
    [(incident_id,)] = await world.rows("SELECT id FROM command.incidents")

    async def call_again(unit: Unit) -> None:
        brief = await store.brief(unit.conn, page_id)
        await oncall.call(unit, IncidentId(incident_id), "", brief)

    await world.app.units.run(SYSTEM, call_again)
    await acknowledge(world, page_id)
    await world.app.units.run(SYSTEM, call_again)  # somebody has it in hand
    await world.settle()
    assert len(await world.rows(STATES)) == len(world.mail.sent) == 1
    await resolve(world)
    await world.app.units.run(SYSTEM, call_again)
    await world.settle()
    assert await world.rows(STATES) == [("triggered",)]  # the same page begins again
    assert len(world.mail.sent) == 2


# Grafana #724: the auditor that repairs was switched off, and only ever wrote a log.
async def test_a_page_whose_timer_is_gone_is_restored_and_that_is_said_aloud(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    page_id = await fire(world)
    loops, before = Loops(world.app), WITNESS_RESTORED._value.get()
    await loops._watch()
    assert WITNESS_RESTORED._value.get() == before  # nothing is wrong yet
    await world.rows("DELETE FROM kernel.jobs WHERE kind = 'oncall.page_timer' RETURNING id")
    world.clock.forward(seconds=30)
    await loops._watch()
    assert WITNESS_RESTORED._value.get() == before + 1
    assert "watchdog.restored" in caplog.text
    await world.settle()
    assert "oncall.witness_restored" in await world.story()
    [(step,)] = await world.rows(f"SELECT step FROM oncall.pages WHERE id = '{page_id}'")
    assert step == 1  # it climbs at once: its turn may have passed
    titles = [row[0] for row in await world.rows("SELECT title FROM command.incidents")]
    assert any("TocsinPageForgotten" in title for title in titles)
    await loops._watch()
    assert WITNESS_RESTORED._value.get() == before + 1


async def test_what_is_no_timer_of_the_present_epoch_wakes_no_page(world: World) -> None:
    page_id = await fire(world)
    for other in ("epoch = epoch - 1", "mode = 'leisure'", "parked_at = due_at"):
        assert await world.app.units.run(SYSTEM, oncall.watch) == []
        change = f"UPDATE kernel.jobs SET {other}, key = NULL WHERE mode = 'timer' RETURNING id"
        assert await world.rows(change)
        assert page_id in await world.app.units.run(SYSTEM, oncall.watch)


async def test_an_acknowledged_page_whose_timeout_is_gone_is_restored_too(world: World) -> None:
    page_id = await fire(world)
    await acknowledge(world, page_id)
    await world.rows("DELETE FROM kernel.jobs WHERE kind = 'oncall.page_timer' RETURNING id")
    assert await world.app.units.run(SYSTEM, oncall.watch) == []  # no bug need have done it
    await world.forward(minutes=31)
    assert len(world.mail.sent) == 2
    await resolve(world)
    await world.rows("DELETE FROM kernel.jobs WHERE kind = 'oncall.page_timer' RETURNING id")
    assert await world.app.units.run(SYSTEM, oncall.watch) == []


async def test_a_page_that_reaches_nobody_is_told_to_the_last_resort(dsn: str) -> None:
    before = UNPAGEABLE._value.get()
    contacts = ("mailto:ops@example.org", "https://hooks.example.org/ops")
    async with running(dsn, last_resort=contacts) as world:
        await world.signal(FIRE, ends_at=FOR_HOURS)
        assert [message.to for _, message in world.mail.sent] == [
            "ops@example.org",
            "https://hooks.example.org/ops",
        ]
        assert len({message.key for _, message in world.mail.sent}) == 2
        assert UNPAGEABLE._value.get() == before + 1
        lines = await world.rows(
            "SELECT line FROM kernel.log WHERE kind = 'oncall.last_resort_called'"
        )
        assert '"told_count":2,"failed_count":0' in lines[0][0]


async def test_the_last_resort_is_called_again_until_one_of_it_was_told(dsn: str) -> None:
    async with running(dsn, last_resort=("mailto:ops@example.org",)) as world:
        world.mail.judge = lambda _message: (
            Sent("ok") if len(world.mail.sent) == 3 else PermanentFailure("no")
        )
        await world.signal(FIRE, ends_at=FOR_HOURS)
        await world.forward(minutes=10)
        assert [(at - NOON).total_seconds() for at, _ in world.mail.sent] == [0, 60, 120]


async def test_a_timer_of_an_older_epoch_does_nothing(world: World) -> None:
    page_id = await fire(world)
    [(body,)] = await world.rows(
        "SELECT body FROM kernel.jobs WHERE kind = 'oncall.page_timer'"
    )
    await acknowledge(world, page_id)
    stale = oncall.PageTimer(page_id=page_id, epoch=1, timer=TimerKind.STEP)
    assert f'"epoch":{stale.epoch}' in body
    before = await world.rows("SELECT * FROM oncall.pages")
    await world.app.units.run(SYSTEM, lambda unit: oncall.timer_is_due(unit, stale))
    assert await world.rows("SELECT * FROM oncall.pages") == before


async def test_a_person_who_left_is_skipped_in_favour_of_the_next_step(world: World) -> None:
    await world.apply(
        ACME.replace("{displayName: Maya", "{active: false, displayName: Maya").replace(
            "displayName: Jonas Weber", "displayName: Jonas Weber\n  active: false"
        )
    )
    await fire(world)
    assert [message.to for _, message in world.mail.sent] == ["boss@example.org"]


async def test_verbs_refuse_who_may_not_and_what_is_not(world: World) -> None:
    page_id = await fire(world)
    viewer = Actor(kind="token", id=uuid7(), name="screen", role=Role.VIEWER)
    with pytest.raises(Forbidden, match="page:acknowledge"):
        await acknowledge(world, page_id, viewer)
    with pytest.raises(Forbidden, match="page:step"):
        await world.app.units.run(
            TOKEN,
            lambda unit: oncall.claim(unit, uuid7()),  # type: ignore[arg-type]
        )
    with pytest.raises(NotFound):
        await acknowledge(world, PageId(uuid7()))
