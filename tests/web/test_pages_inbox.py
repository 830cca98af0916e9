"""The web inbox, the service worker, and tests to oneself, as a browser meets them."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from pages_world import FIRE, HTML, browser, fire, person, proof

from fakes.world import ACME, NOON, World, running
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM
from tocsin.oncall import actions as oncall
from tocsin.oncall.ports import TransientFailure

pytestmark = pytest.mark.db

INBOX = "contact: [{type: inbox}, {type: email, address: jonas@example.org}]"


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    async with running(dsn) as world:
        head, tail = ACME.split("  contact:\n", 1)
        await world.apply(f"{head}  {INBOX}\n---{tail.split('---', 1)[1]}")
        yield world


@pytest.fixture
async def jonas(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(world, person_id=await person(world, "jonas")) as client:
        yield client


async def seen(world: World) -> list[bool]:
    rows = await world.rows("SELECT seen_at IS NOT NULL FROM oncall.notifications")
    return [row[0] for row in rows]


async def test_a_page_stands_in_the_inbox_of_who_was_called_and_of_nobody_else(
    world: World, jonas: httpx.AsyncClient
) -> None:
    await fire(world)
    assert world.mail.sent == []  # the row is the message
    assert await world.rows("SELECT kind, state FROM oncall.notifications") == [
        ("inbox", "sent")
    ]
    page = await jonas.get("/inbox")
    assert "INC-1" in page.text
    assert "Unread" in page.text
    assert await seen(world) == [False]  # looking opens nothing
    async with browser(world, person_id=await person(world, "maya")) as maya:
        assert "INC-1" not in (await maya.get("/inbox")).text
        assert (await maya.get("/inbox/unseen")).json() == {"count": 0, "items": []}


async def test_what_is_new_comes_with_a_link_that_takes_the_page_without_a_cookie(
    world: World, jonas: httpx.AsyncClient
) -> None:
    await fire(world)
    found = (await jonas.get("/inbox/unseen")).json()
    [item] = found["items"]
    assert (found["count"], item["ringing"], item["reference"]) == (1, True, "INC-1")
    assert item["url"] == "/incidents/INC-1"
    assert (await jonas.get("/inbox/unseen")).json()["items"] == [item]  # no second link
    answer = await world.http.post(item["ack_path"])
    assert answer.status_code == 200
    await world.settle()
    lines = await world.rows(
        "SELECT line FROM kernel.log WHERE kind = 'oncall.page_acknowledged'"
    )
    assert '"channel":"web inbox"' in lines[0][0]
    [item] = (await jonas.get("/inbox/unseen")).json()["items"]
    assert (item["ringing"], item["ack_path"]) == (False, None)


async def test_opening_a_message_marks_it_and_leads_to_its_incident(
    world: World, jonas: httpx.AsyncClient
) -> None:
    await fire(world)
    page = await jonas.get("/inbox")
    [path] = re.findall(r'action="(/inbox/[\w-]+/open)"', page.text)
    assert (await jonas.post(path)).status_code == 403  # without the proof
    answer = await jonas.post(path, data=proof(page))
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents/INC-1")
    assert await seen(world) == [True]
    await world.settle()
    assert (await world.story()).count("oncall.notification_seen") == 1
    assert "Unread" not in (await jonas.get("/inbox")).text


async def test_the_button_takes_the_page_and_counts_as_opened(
    world: World, jonas: httpx.AsyncClient
) -> None:
    await fire(world)
    page = await jonas.get("/inbox")
    [path] = re.findall(r'action="(/inbox/[\w-]+/acknowledge)"', page.text)
    answer = await jonas.post(path, data=proof(page))
    assert (answer.status_code, answer.headers["location"]) == (303, "/inbox")
    assert await world.rows("SELECT state FROM oncall.pages") == [("acknowledged",)]
    assert await seen(world) == [True]
    assert "Jonas Weber has it" in (await jonas.get("/inbox")).text
    async with browser(world, person_id=await person(world, "maya")) as maya:
        form = proof(await maya.get("/inbox"))
        assert (await maya.post(path, data=form)).status_code == 404


async def test_all_that_calls_me_is_taken_in_two_presses_and_nothing_that_came_since(
    world: World, jonas: httpx.AsyncClient
) -> None:
    for service in ("checkout", "search"):
        await world.signal(FIRE | {"service": service}, ends_at=NOON + timedelta(hours=5))
    page = await jonas.get("/inbox")
    assert "Acknowledge all 2" in page.text
    ids = re.findall(r'name="id" value="([\w-]+)"', page.text)
    await world.signal(FIRE | {"service": "mail"}, ends_at=NOON + timedelta(hours=5))
    await jonas.post("/inbox/acknowledge", data=proof(page) | {"id": ids})
    states = await world.rows("SELECT state, count(*) FROM oncall.pages GROUP BY 1 ORDER BY 1")
    assert states == [("acknowledged", 2), ("triggered", 1)]
    assert (
        "Acknowledge all" not in (await jonas.get("/inbox")).text
    )  # one has a button of its own
    nobody = {"id": ["no-id", *ids]}
    assert (
        await jonas.post("/inbox/acknowledge", data=proof(page) | nobody)
    ).status_code == 404


async def test_everything_can_be_marked_as_read(world: World, jonas: httpx.AsyncClient) -> None:
    await fire(world)
    form = proof(await jonas.get("/inbox"))
    await jonas.post("/account/contacts/0/test", data=form)
    assert (await jonas.get("/inbox/unseen")).json()["count"] == 2
    await jonas.post("/inbox/seen", data=form)
    assert (await jonas.get("/inbox/unseen")).json() == {"count": 0, "items": []}


async def test_of_a_restricted_incident_the_inbox_says_only_that_there_is_one(
    world: World, jonas: httpx.AsyncClient
) -> None:
    await fire(world)
    [(incident_id, title)] = await world.rows("SELECT id, title FROM command.incidents")
    await world.app.units.run(
        SYSTEM, lambda unit: oncall.restrict(unit, [incident_id], ("role:auditor",))
    )
    page = await jonas.get("/inbox")
    assert "A restricted incident" in page.text
    assert title not in page.text
    [item] = (await jonas.get("/inbox/unseen")).json()["items"]
    assert item["title"] == "A restricted incident"
    answer = await world.http.post(item["ack_path"], headers=HTML)
    assert answer.status_code == 200
    assert title not in answer.text
    assert await world.rows("SELECT state FROM oncall.pages") == [("acknowledged",)]


async def test_the_service_worker_stands_at_the_root_and_is_asked_for_each_time(
    jonas: httpx.AsyncClient,
) -> None:
    answer = await jonas.get("/sw.js")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "no-cache"
    assert "worker-src 'self'" in answer.headers["content-security-policy"]


async def test_my_methods_are_masked_and_a_test_says_how_it_went(
    world: World, jonas: httpx.AsyncClient
) -> None:
    page = await jonas.get("/account/contacts")
    assert "j…@example.org" in page.text
    assert "jonas@example.org" not in page.text
    world.mail.judge = lambda message: TransientFailure(f"451 {message.to}: later")
    answer = await jonas.post("/account/contacts/1/test", data=proof(page))
    assert (answer.status_code, answer.headers["location"]) == (303, "/account/contacts")
    page = await jonas.get("/account/contacts")
    assert "Failed" in page.text
    assert "451" in page.text
    assert "jonas@example.org" not in page.text


async def test_who_cannot_be_paged_has_no_methods_and_an_empty_inbox(world: World) -> None:
    async with browser(world, Role.VIEWER) as nobody:
        assert "not one of the people" in (await nobody.get("/account/contacts")).text
        assert "Only people who can be paged" in (await nobody.get("/inbox")).text
