"""A layer that follows another calendar: read every hour, kept when that fails, told when it moves."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from importlib.resources import files

import pytest
from calendar_world import EVENT, Rig, Site, event

from fakes.world import NOON, World
from tocsin.kernel.access import Role
from tocsin.oncall.core.schedule.subscribed import source_of
from tocsin.oncall.reads import old_calendars
from web.pages_world import browser, person

pytestmark = pytest.mark.db


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    served = Site()
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    served.port = server.sockets[0].getsockname()[1]
    async with server:
        yield served


@pytest.fixture
def rig(world: World, site: Site) -> Rig:
    return Rig(world, site)


async def test_what_a_calendar_says_is_paged_and_followed_when_it_changes(rig: Rig) -> None:
    bea = event("Bea Boss", "20260327T100000Z", "20260327T180000Z")
    rig.site.events = [bea, event("Jonas Weber", "20260328T100000Z", "20260328T180000Z")]
    await rig.follow()
    assert await rig.who() == "Bea Boss"
    fire = {"alertname": "Down", "service": "a", "severity": "critical"}
    await rig.world.signal(fire, ends_at=NOON + timedelta(days=9))
    assert [message.to for _, message in rig.world.mail.sent] == ["boss@example.org"]
    rig.world.mail.sent.clear()
    await rig.world.forward(hours=1)
    rig.site.events = [bea, event("Jonas Weber", "20260329T100000Z", "20260329T180000Z")]
    await rig.read()
    told = [one for _, one in rig.world.mail.sent if one.to == "jonas@example.org"]
    assert any("the calendar that a layer follows says so" in one.text for one in told)
    plan = await rig.get("/schedules/vendor/shifts")
    theirs = [one for one in plan["shifts"] if one["layer"] == "theirs"]
    assert [one["start_at"][:16] for one in theirs] == ["2026-03-27T12:00", "2026-03-29T10:00"]


async def test_who_is_taken_off_now_is_off_now_and_history_stays(rig: Rig) -> None:
    rig.site.events = [event("Bea Boss", "20260327T100000Z", "20260327T180000Z")]
    await rig.follow()
    await rig.world.forward(hours=2)
    rig.site.events = [event("Jonas Weber", "20260327T100000Z", "20260327T180000Z")]
    await rig.read()
    assert await rig.who() == "Jonas Weber"
    plan = await rig.get("/schedules/vendor/shifts?from=2026-03-27T11:00:00Z")
    found = [(one["people"][0]["name"], one["start_at"][11:16]) for one in plan["shifts"][:3]]
    assert found[1:] == [("Bea Boss", "12:00"), ("Jonas Weber", "14:00")]


async def test_it_is_asked_every_hour_for_changes_and_once_a_day_for_all_of_it(
    rig: Rig,
) -> None:
    rig.site.events = [event("Bea Boss", "20260327T100000Z", "20260327T180000Z")]
    await rig.follow()
    assert rig.site.asked == [""]
    await rig.read()
    assert len(rig.site.asked) == 1  # not due
    await rig.world.forward(hours=1.01)
    await rig.read()
    assert rig.site.asked[1].startswith('"')
    await rig.world.forward(hours=24)
    await rig.read()
    assert rig.site.asked[2] == ""


@pytest.mark.parametrize("how", ["down", "cut"])
async def test_what_it_said_last_stays_when_it_fails_and_after_a_day_it_is_told(
    rig: Rig, how: str
) -> None:
    late = event("Bea Boss", "20260327T100000Z", "20260330T180000Z")
    rig.site.events = [late, event("Bea Boss", "20260401T100000Z", "20260401T180000Z")]
    await rig.follow()
    if how == "down":
        rig.site.status = 500
    else:
        rig.site.is_cut = True
        rig.site.events.append(event("Jonas Weber", "20260402T100000Z", "20260402T180000Z"))
    await rig.world.forward(hours=2)
    await rig.read()
    [layer] = [
        one for one in (await rig.get("/schedules/vendor/layers"))["layers"]
        if one["name"] == "theirs"
    ]  # fmt: skip
    assert layer["calendar"]["error"]
    assert layer["calendar"]["read_at"] == "2026-03-27T12:00:00Z"
    assert await rig.who() == "Bea Boss"
    assert await rig.troubles() == []
    await rig.world.forward(hours=22.1)
    await rig.read()
    assert await rig.who() == "Bea Boss"
    [trouble] = await rig.troubles()
    assert trouble["why"].startswith("layer theirs: last read 2026-03-27 12:00 UTC; ")
    async with rig.world.app.db.connection() as conn:
        count, old = await old_calendars(conn, rig.world.app.clock.now())
    assert (count, [one.layer for one in old]) == (1, ["theirs"])
    if how == "down":
        async with browser(rig.world, Role.VIEWER) as client:
            assert "Its calendar is out of date" in (await client.get("/schedules/vendor")).text
    rig.site.status, rig.site.is_cut = 200, False
    rig.site.events = [late]
    await rig.world.forward(minutes=6)
    await rig.read()
    assert await rig.troubles() == []


async def test_people_whom_nobody_knows_and_rules_that_never_match_are_named(rig: Rig) -> None:
    never = event("Bea Boss", "20260327T100000Z", "20260327T180000Z").replace(
        "END:VEVENT", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30\nEND:VEVENT"
    )
    rig.site.events = [never, event("A stranger", "20260327T110000Z", "20260327T130000Z"),
                       event("Jonas Weber", "20260327T110000Z", "20260327T190000Z")]  # fmt: skip
    await rig.follow()
    assert await rig.who() == "Jonas Weber"
    layers = (await rig.get("/schedules/vendor/layers"))["layers"]
    followed = next(one["calendar"] for one in layers if one["name"] == "theirs")
    assert followed["unknown"] == ["A stranger"]
    assert "BYMONTHDAY=30" in followed["left_out"][0]


async def test_a_layer_that_nobody_follows_any_more_is_not_asked(rig: Rig) -> None:
    await rig.follow()
    asked = len(rig.site.asked)
    await rig.without_theirs()
    await rig.world.forward(hours=3)
    await rig.read()
    assert len(rig.site.asked) == asked


async def test_a_calendar_that_cannot_be_followed_is_refused_by_its_field(world: World) -> None:
    wrong = (
        ({"calendar": {"url": "https://x.test/a"}, "people": ["maya"]}, "calendar"),
        ({"calendar": {"url": "ftp://x.test/a"}}, "calendar.url"),
        ({"calendar": {"url": "https://me:pass@x.test/a"}}, "calendar.url"),
    )
    for layer, field in wrong:
        document = {
            "apiVersion": "tocsin/v1", "kind": "Schedule", "metadata": {"name": "vendor"},
            "spec": {"timezone": "UTC", "layers": [{"name": "theirs", **layer}]},
        }  # fmt: skip
        refused = await world.http.post(
            "/api/v1/resources/apply", json={"documents": [document]}, headers=world.bearer
        )
        assert refused.status_code == 422
        assert refused.json()["field"] == f"spec.layers[0].{field}"


async def test_days_without_a_clock_are_by_the_layers_own_zone_and_a_changed_one_is_read_at_once(
    rig: Rig,
) -> None:
    day = EVENT.replace("DTSTART:", "DTSTART;VALUE=DATE:").replace(
        "DTEND:", "DTEND;VALUE=DATE:"
    )
    rig.site.events = [day.format(uid="d", who="Bea Boss", start="20260401", end="20260402")]
    await rig.follow(timezone="America/New_York")
    assert await rig.theirs() == [("Bea Boss", "2026-04-01T04:00")]
    await rig.follow(timezone="Asia/Tokyo")
    assert rig.site.asked == ["", ""]  # all of it, and no hour later
    assert await rig.theirs() == [("Bea Boss", "2026-03-31T15:00")]


@pytest.mark.parametrize("after", ["nothing", "strangers", "never"])
async def test_a_calendar_that_would_wipe_the_rota_is_a_failure_and_the_rota_stays(
    rig: Rig, after: str
) -> None:
    bea = event("Bea Boss", "20260328T100000Z", "20260328T180000Z")
    rig.site.events = [bea]
    await rig.follow()
    never = bea.replace("END:VEVENT", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30\nEND:VEVENT")
    stranger = event("A stranger", "20260328T100000Z", "20260328T180000Z")
    rig.site.events = {"nothing": [], "strangers": [stranger], "never": [never]}[after]
    await rig.world.forward(hours=1.01)
    await rig.read()
    assert await rig.theirs() == [("Bea Boss", "2026-03-28T10:00")]
    why = {"nothing": "no events", "strangers": "(A stranger)", "never": "BYMONTHDAY=30"}
    assert why[after] in (await rig.followed())["error"]
    rig.site.events = [event("Jonas Weber", "20260328T100000Z", "20260328T180000Z")]
    await rig.world.forward(minutes=6)
    await rig.read()
    assert await rig.theirs() == [("Jonas Weber", "2026-03-28T10:00")]
    assert (await rig.followed())["error"] == ""


async def test_what_was_left_out_from_the_beginning_is_tried_again_soon_and_as_a_whole(
    rig: Rig,
) -> None:
    bea = event("Bea Boss", "20260328T100000Z", "20260328T180000Z")
    rule = "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30\nEND:VEVENT"
    never = event("Maya", "20260327T100000Z", "20260327T180000Z").replace("END:VEVENT", rule)
    rig.site.events = [bea, never]
    await rig.follow()
    rig.site.events = [never, event("Jonas Weber", "20260328T100000Z", "20260328T180000Z")]
    await rig.world.forward(minutes=6)
    await rig.read()
    assert rig.site.asked == ["", ""]
    assert await rig.theirs() == [("Jonas Weber", "2026-03-28T10:00")]


async def test_an_edit_lets_the_present_shift_of_a_calendar_end_first(rig: Rig) -> None:
    rig.site.events = [event("Bea Boss", "20260327T100000Z", "20260327T180000Z"),
                       event("Jonas Weber", "20260327T180000Z", "20260328T180000Z")]  # fmt: skip
    await rig.follow()
    await rig.without_theirs()
    assert await rig.who() == "Bea Boss"
    await rig.world.forward(hours=5.9)
    assert await rig.who() == "Bea Boss"
    await rig.world.forward(hours=0.2)
    assert await rig.who() == "Maya Okafor"


async def test_of_a_calendar_that_nobody_follows_nothing_is_left_but_history(rig: Rig) -> None:
    rig.site.events = [event("Bea Boss", "20260327T100000Z", "20260327T180000Z"),
                       event("Jonas Weber", "20260328T100000Z", "20260328T180000Z")]  # fmt: skip
    await rig.follow()
    await rig.without_theirs()
    assert await rig.rows() == [("theirs", "2026-03-27T18:00")]
    async with rig.world.app.db.connection() as conn:
        assert await old_calendars(conn, rig.world.app.clock.now()) == (0, [])


async def test_another_address_ends_what_the_old_one_says_of_later(rig: Rig) -> None:
    rig.site.events = [event("Bea Boss", "20260327T100000Z", "20260327T180000Z"),
                       event("Jonas Weber", "20260328T100000Z", "20260328T180000Z")]  # fmt: skip
    await rig.follow()
    rig.site.status = 500
    await rig.follow(path="other.ics")
    assert await rig.rows() == [("theirs", "2026-03-27T18:00")]
    rig.site.status = 200
    rig.site.events = [event("Maya Okafor", "20260327T100000Z", "20260327T200000Z")]
    await rig.world.forward(minutes=6)
    await rig.read()
    assert await rig.who() == "Bea Boss"  # until this shift ends
    assert await rig.rows() == [
        ("theirs", "2026-03-27T18:00"), ("theirs", "2026-03-27T20:00"),
    ]  # fmt: skip


async def test_a_layer_with_another_name_keeps_its_calendar(rig: Rig) -> None:
    rig.site.events = [event("Bea Boss", "20260327T100000Z", "20260327T180000Z"),
                       event("Jonas Weber", "20260328T100000Z", "20260328T180000Z")]  # fmt: skip
    await rig.follow()
    rig.world.mail.sent.clear()
    rig.site.status = 500
    await rig.follow(name="vendors")
    assert rig.world.mail.sent == []
    assert await rig.who() == "Bea Boss"
    assert await rig.rows() == [
        ("theirs", "2026-03-27T18:00"), ("vendors", "2026-03-28T18:00"),
    ]  # fmt: skip
    await rig.world.forward(hours=23)
    assert await rig.who() == "Jonas Weber"


async def test_the_calendar_that_is_due_the_longest_is_read_first_and_by_one_node_alone(
    rig: Rig,
) -> None:
    await rig.follow(more=12)
    assert len(rig.site.paths) == 13
    assert await rig.due() is None
    await rig.world.forward(hours=1.01)
    first, second = await rig.due(), await rig.due()
    assert first is not None
    assert second is not None
    assert first.layer != second.layer
    rig.site.paths.clear()
    await rig.layers.read(second)
    await rig.layers.read(first)
    rig.site.status = 500
    await rig.read()
    assert len(set(rig.site.paths)) == 13
    # a claim that is over counts for nothing: another node has read it since
    await rig.world.forward(hours=1.01)
    rig.site.status = 200
    late = await rig.due()
    assert late is not None
    await rig.world.forward(minutes=6)
    await rig.read()
    rig.site.events = [event("Bea Boss", "20260329T100000Z", "20260329T180000Z")]
    await rig.layers.read(late)
    assert await rig.rows() == []


async def test_addresses_that_stood_in_histories_are_taken_out_of_them(rig: Rig) -> None:
    rig.site.events = [event("Bea Boss", "20260327T100000Z", "20260327T180000Z")]
    await rig.follow(path="private-4711/basic.ics")
    await rig.without_theirs()
    await rig.follow(path="private-4711/basic.ics")
    text = files("tocsin.migrations").joinpath("0029_before_calendar_secrets.sql").read_text()
    statements = [one for one in text.split(";\n") if "ALTER TABLE" not in one]
    as_it_was = """
        UPDATE kernel.resources r SET spec = spec || fields
          FROM kernel.resource_private p WHERE p.uid = r.uid AND kind = 'Schedule';
        UPDATE kernel.resource_versions v SET spec = v.spec || r.spec
          FROM kernel.resources r WHERE r.uid = v.uid AND kind = 'Schedule' AND v.version <> 2;
        UPDATE kernel.resource_private SET fields = '{}' WHERE fields ? 'layers';
        UPDATE oncall.schedule_versions
           SET layers = (SELECT jsonb_agg(l || '{"source": "https://x.test/private-4711/a"}')
                           FROM jsonb_array_elements(layers) l);
    """
    reading = """
        SELECT (SELECT string_agg(spec::text, '') FROM kernel.resources)
            || (SELECT string_agg(spec::text, '') FROM kernel.resource_versions)
            || (SELECT string_agg(layers::text, '') FROM oncall.schedule_versions)
    """
    async with rig.world.app.db.connection() as conn:
        for statement in as_it_was.split(";\n"):
            await conn.execute(statement.encode())
        cursor = await conn.execute(reading)
        [(before,)] = await cursor.fetchall()
        assert before.count("private-4711") > 3
        for statement in statements:
            await conn.execute(statement.encode())
        cursor = await conn.execute(reading)
        [(after,)] = await cursor.fetchall()
        assert "private-4711" not in after
        assert f"http://127.0.0.1:{rig.site.port}/…" in after
        assert source_of("https://x.test/private-4711/a") in after
        cursor = await conn.execute("SELECT fields::text FROM kernel.resource_private")
        assert "private-4711" in str(await cursor.fetchall())


async def test_a_swap_goes_along_when_the_calendar_moves_its_shift(rig: Rig) -> None:
    weekly = EVENT.format(
        uid="w", who="Bea Boss", start="20260330T080000Z", end="20260331T080000Z"
    )
    weekly = weekly.replace("END:VEVENT", "RRULE:FREQ=WEEKLY;COUNT=4\nEND:VEVENT")
    jonas = EVENT.format(
        uid="j", who="Jonas Weber", start="20260401T080000Z", end="20260402T080000Z"
    )
    rig.site.events = [weekly, jonas]
    await rig.follow()
    shifts = (await rig.get("/schedules/vendor/shifts?to=2026-04-20T00:00:00Z"))["shifts"]
    theirs = [one for one in shifts if one["layer"] == "theirs"]
    assert [one["start_at"][5:13] for one in theirs] == [
        "03-30T08",
        "04-01T08",
        "04-06T08",
        "04-13T08",
    ]
    wanted = {
        "schedule": "vendor", "layer": "theirs", "turn": theirs[2]["turn"], "partner": "jonas",
        "back_schedule": "vendor", "back_layer": "theirs", "back_turn": theirs[1]["turn"],
    }  # fmt: skip
    async with browser(rig.world, Role.VIEWER, await person(rig.world, "boss")) as bea:
        origin = {"sec-fetch-site": "same-origin"}
        path = "/api/v1/oncall/swaps"
        asked = await bea.post(path, json=wanted, headers=origin)
        assert asked.status_code == 201, asked.text
        missing = {
            "schedule": "vendor",
            "layer": "theirs",
            "turn": 2**31 - 1,
            "partner": "jonas",
        }
        none = await bea.post(path, json=missing, headers=origin)
        assert none.status_code == 404
        assert (
            "agree on an override (`tocsin oncall override add vendor" in none.json()["detail"]
        )
    async with browser(rig.world, Role.VIEWER, await person(rig.world, "jonas")) as partner:
        taken = await partner.post(f"{path}/{asked.json()['id']}/accept", headers=origin)
        assert taken.status_code == 200, taken.text
    rig.site.events = [
        weekly.replace("T080000Z", "T090000Z"),
        jonas.replace("20260401T", "20260403T").replace("20260402T", "20260404T"),
    ]  # fmt: skip
    await rig.world.forward(hours=1.01)
    await rig.read()
    plan = await rig.get("/schedules/vendor/shifts?to=2026-04-20T00:00:00Z")
    found = [
        (one["people"][0]["name"], one["start_at"][5:13])
        for one in plan["shifts"] if one["layer"] == "theirs"
    ]  # fmt: skip
    assert found == [
        ("Bea Boss", "03-30T09"), ("Bea Boss", "04-03T08"), ("Jonas Weber", "04-06T09"),
        ("Bea Boss", "04-13T09"),
    ]  # fmt: skip
