"""Overrides, leave and swaps on screen: without script, asked again at the field, taken back."""

import re
from urllib.parse import unquote

import httpx
import pytest
from pages_world import browser, person, proof

from fakes.world import World
from tocsin.kernel.access import Role
from tocsin.web.pages.schedule_forms import Typed, readings

pytestmark = pytest.mark.db
COVER = {
    "kind": "cover", "person": "maya", "replaced": "", "slot": "primary",
    "start_at": "2026-03-27T15:00", "end_at": "2026-03-27T19:00", "reason": "a wedding",
}  # fmt: skip


async def who(world: World) -> str | None:
    answer = await world.http.get("/api/v1/oncall/now", headers=world.bearer)
    now = answer.json()["schedules"][0]["now"]
    return str(now["person"]["name"]) if now else None


async def sent(
    client: httpx.AsyncClient, path: str, ask: str = "", **fields: str
) -> httpx.Response:
    """Open a page, and post a form of it."""
    page = await client.get(ask or path)
    assert page.status_code == 200, page.text
    return await client.post(path, data=proof(page) | fields)


async def test_a_cover_is_agreed_shown_paged_and_taken_back(world: World) -> None:
    async with browser(world) as client:
        answer = await sent(client, "/schedules/primary/override", **COVER)
        assert (answer.status_code, answer.headers["location"]) == (303, "/schedules/primary")
        page = await client.get("/schedules/primary")
        assert "a wedding" in page.text
        await world.forward(hours=2, minutes=30)
        assert await who(world) == "Maya Okafor"
        [path] = re.findall(r'action="(/oncall/overrides/[^"]+/end)"', page.text)
        again = await client.post(path, data=proof(page) | {"back": "primary"})
        assert (again.status_code, again.headers["location"]) == (303, "/schedules/primary")
        assert await who(world) == "Jonas Weber"
        assert "Nothing is planned." in (await client.get("/schedules/primary")).text


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"person": ""}, "person"),
        ({"end_at": "2026-03-27T12:00"}, "end_at"),
        ({"end_at": "soon"}, "end_at"),
        ({"kind": "replace"}, "replaced"),
    ],
)
async def test_what_is_not_acceptable_is_asked_again_at_its_field(
    world: World, wrong: dict[str, str], field: str
) -> None:
    async with browser(world) as client:
        answer = await sent(client, "/schedules/primary/override", **COVER | wrong)
    assert answer.status_code == 422
    assert f'id="f-{field}-why"' in answer.text
    assert 'value="a wedding"' in answer.text  # nothing that was typed is lost


async def test_a_time_that_clocks_show_twice_is_asked_for_not_guessed(world: World) -> None:
    late = COVER | {"start_at": "2026-10-24T18:00", "end_at": "2026-10-25T02:30"}
    async with browser(world) as client:
        answer = await sent(client, "/schedules/primary/override", **late)
        assert answer.status_code == 422
        asked = re.findall(r'name="end_at_is" value="([^"]+)"', answer.text)
        assert asked == ["2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00"]
        chosen = late | {"end_at_is": asked[1]}
        answer = await sent(client, "/schedules/primary/override", **chosen)
        assert answer.status_code == 303
        assert answer.headers["location"] == "/schedules/primary?from=2026-10-24"
    [row] = await world.rows("SELECT end_at FROM oncall.overrides")
    assert row[0].isoformat() == "2026-10-25T01:30:00+00:00"


def test_a_time_that_clocks_never_show_has_two_readings_and_others_have_one() -> None:
    found = readings("2026-03-29T02:30", "Europe/Berlin")
    assert [words for _, words in found] == ["Sun 29 Mar 03:30 UTC+2", "Sun 29 Mar 01:30 UTC+1"]
    assert readings("2026-03-30T02:30", "Europe/Berlin") == ()
    assert readings("soon", "Europe/Berlin") == ()
    stale = Typed(text="2026-03-30T02:30", chosen="2026-10-25T02:30+01:00")
    assert stale.instant("Europe/Berlin", "end_at").isoformat() == "2026-03-30T00:30:00+00:00"


async def test_a_bar_of_the_calendar_fills_in_its_stretch(world: World) -> None:
    async with browser(world) as client:
        page = (await client.get("/schedules/primary")).text
        links = re.findall(r'<a href="(/schedules/primary/override\?[^"]+)"', page)
        form = (
            await client.get(unquote(links[1].replace("&amp;", "&")).replace("+", "%2B"))
        ).text
    assert 'name="start_at" value="2026-03-30T09:00"' in form
    assert 'name="end_at" value="2026-04-06T09:00"' in form


async def test_who_takes_turns_may_only_speak_of_themselves(world: World) -> None:
    async with browser(world, Role.VIEWER, await person(world, "maya")) as client:
        form = (await client.get("/schedules/primary/override")).text
        [choice] = re.findall(r'name="person".*?</select>', form)
        assert "Maya Okafor" in choice
        assert "Jonas Weber" not in choice
        answer = await sent(
            client, "/schedules/primary/override", **COVER | {"person": "jonas"}
        )
    assert answer.status_code == 403


async def test_leave_is_by_the_clocks_where_its_person_lives(world: World) -> None:
    away = {"start_at": "2026-04-01T00:00", "end_at": "2026-04-03T00:00", "reason": "holiday"}
    jonas = await person(world, "jonas")
    async with browser(world, Role.VIEWER, jonas) as client:
        answer = await sent(client, "/oncall/leave", person="jonas", **away)
        assert (answer.status_code, answer.headers["location"]) == (303, "/oncall/me")
        other = await sent(client, "/oncall/leave", person="maya", **away)
        assert other.status_code == 403
        wrong = await sent(client, "/oncall/leave", person="jonas", **away | {"end_at": "x"})
        assert 'id="f-end_at-why"' in wrong.text
    [row] = await world.rows("SELECT kind, person_id FROM oncall.overrides")
    assert row == ("leave", jonas)


async def test_a_swap_is_asked_for_and_answered_on_screen(world: World) -> None:
    maya, jonas = await person(world, "maya"), await person(world, "jonas")
    async with browser(world, Role.VIEWER, maya) as client:
        form = await client.get("/schedules/primary/swap")
        [mine] = re.findall(r'name="turn">.*?</select>', form.text)
        turn = re.findall(r'value="([^"]+)"', mine)[0]
        asked = {"turn": turn, "partner": "jonas", "back_turn": "", "reason": "a wedding"}
        path = "/schedules/primary/swap"
        assert (await client.post(path, data=proof(form) | asked)).status_code == 303
        twice = await client.post(path, data=proof(form) | asked)
        assert twice.status_code == 422
        assert "somebody asks for this shift already" in twice.text
        nothing = await client.post(path, data=proof(form) | asked | {"turn": "x"})
        assert 'id="f-turn-why"' in nothing.text
        page = (await client.get("/schedules/primary")).text
        assert "Maya Okafor asks Jonas Weber to take" in page
        assert "Withdraw" in page
        assert "Accept" not in page
    async with browser(world, Role.VIEWER, jonas) as client:
        answering = await client.get("/schedules/primary")
        [accept] = re.findall(
            r'<form method="post" action="(/oncall/swaps/[^"]+/accept)"', answering.text
        )
        answer = await client.post(accept, data=proof(answering) | {"back": "//evil.test"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/oncall/me")
        after = (await client.get("/schedules/primary")).text
        assert "Jonas Weber takes from Maya Okafor" in after
    assert await world.rows("SELECT state FROM oncall.swaps") == [("accepted",)]


async def test_my_page_says_until_when_who_else_what_is_next_and_what_waits(
    world: World,
) -> None:
    maya, jonas = await person(world, "maya"), await person(world, "jonas")
    async with browser(world, Role.VIEWER, jonas) as client:
        page = (await client.get("/oncall/me")).text
        assert "<strong>On call</strong>" in page
        assert "Mon 30 Mar" in page
        assert 'href="/schedules/primary/swap?turn=rotation/' in page
    async with browser(world, Role.VIEWER, maya) as client:
        page = (await client.get("/oncall/me")).text
        assert "<strong>Not on call</strong>" in page
        assert "<b>Jonas Weber</b> primary, until" in page
        assert "No swap waits" in page
    async with browser(world) as client:
        assert "Nobody is behind this sign-in" in (await client.get("/oncall/me")).text


async def test_a_calendar_feed_is_shown_once_read_and_revoked(world: World) -> None:
    async with browser(world, Role.VIEWER, await person(world, "jonas")) as client:
        page = await client.get("/schedules/primary")
        form = proof(page) | {"kind": "schedule", "name": "primary"}
        made = await client.post("/oncall/calendars", data=form)
        assert made.status_code == 200
        [path] = re.findall(r"(/calendars/[\w-]+\.ics)</pre>", made.text)
        assert "BEGIN:VCALENDAR" in (await client.get(path)).text
        assert (await client.get("/oncall/calendars")).headers["location"] == "/oncall/me"
        mine = await client.get("/oncall/me")
        assert path not in mine.text
        [other] = re.findall(r'<form method="post" action="([^"]+/regenerate)"', mine.text)
        again = await client.post(other, data=proof(mine))
        [newer] = re.findall(r"(/calendars/[\w-]+\.ics)</pre>", again.text)
        assert (await client.get(path)).status_code == 404
        path = newer
        assert "BEGIN:VCALENDAR" in (await client.get(path)).text
        mine = await client.get("/oncall/me")
        [revoke] = re.findall(r'<form method="post" action="([^"]+/revoke)"', mine.text)
        gone = await client.post(revoke, data=proof(mine))
        assert gone.headers["location"] == "/oncall/me"
        assert (await client.get(path)).status_code == 404
