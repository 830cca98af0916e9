"""The contact screen: what wakes me, its proof, and changing my own methods and nobody else's."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from msgspec import convert
from pages_world import browser, person, proof

from fakes.world import World
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.resources import Document

pytestmark = pytest.mark.db

HERE = "/account/contacts"
JSON = {"accept": "application/json", "sec-fetch-site": "same-origin"}


async def on_screen(world: World, name: str, *contact: dict[str, Any]) -> None:
    """Let a person be managed on screen."""
    spec = {"displayName": name.capitalize(), "contact": list(contact)}
    document = convert(
        {"apiVersion": "tocsin/v1", "kind": "Person", "metadata": {"name": name}, "spec": spec},
        Document,
    )
    store = world.app.store
    await world.app.units.run(SYSTEM, lambda unit: store.put(unit, document, take_over=True))


@pytest.fixture
async def eve(acme: World) -> AsyncIterator[httpx.AsyncClient]:
    """Eve is managed on screen, and signed in as a viewer."""
    await on_screen(
        acme,
        "eve",
        {"type": "email", "address": "eve@example.org"},
        {"type": "ntfy", "topic": "https://ntfy.example.org/eve", "token": "tk_secret"},
    )
    async with browser(acme, Role.VIEWER, await person(acme, "eve")) as client:
        yield client


async def contacts(client: httpx.AsyncClient) -> Any:
    return (await client.get("/api/v1/me/contacts", headers=JSON)).json()


async def fill(client: httpx.AsyncClient, path: str, **form: str) -> httpx.Response:
    page = await client.get(HERE)
    return await client.post(HERE + path, data={**proof(page), **form})


def seen(page: httpx.Response, index: int) -> str:
    found = re.search(rf"{HERE}/{index}/remove.*?name=\"seen\" value=\"(\w+)\"", page.text)
    assert found
    return found.group(1)


async def test_it_says_what_wakes_me_and_what_is_missing(
    acme: World, eve: httpx.AsyncClient
) -> None:
    page = await eve.get(HERE)
    assert (
        "You cannot be reached at night: ntfy would be urgent, but is not verified" in page.text
    )
    await fill(eve, "/1/code")
    code = re.search(r"\d{3} \d{3}", acme.mail.sent[-1][1].text)
    assert code
    wrong = f"{(int(code.group().replace(' ', '')) + 1) % 10**6:06}"
    refused = await fill(eve, "/1/verify", code=wrong)
    assert refused.status_code == 422
    assert "4 tries left" in refused.text
    assert 'aria-invalid="true"' in refused.text
    done = await fill(eve, "/1/verify", code=code.group())
    assert (done.status_code, done.headers["location"]) == (303, HERE)
    assert "You can be reached at night: ntfy." in (await eve.get(HERE)).text
    assert "You can be reached at night: ntfy." in (await eve.get("/account")).text


async def test_i_change_my_own_methods_and_secrets_stay_as_they_were(
    acme: World, eve: httpx.AsyncClient
) -> None:
    page = await eve.get(HERE)
    assert "tk_secret" not in page.text
    added = await fill(eve, "/add", type="push", place="first", address="ignored")
    assert added.status_code == 303
    assert [one["method"] for one in (await contacts(eve))["items"]] == [
        "push",
        "email",
        "ntfy",
    ]
    moved = await fill(eve, "/2/earlier", seen=seen(await eve.get(HERE), 2))
    assert moved.status_code == 303
    assert [one["method"] for one in (await contacts(eve))["items"]] == [
        "push",
        "ntfy",
        "email",
    ]
    stale = await fill(eve, "/1/remove", seen="0" * 40)
    assert stale.status_code == 409
    gone = await fill(eve, "/2/remove", seen=seen(await eve.get(HERE), 2))
    assert gone.status_code == 303
    assert [one["method"] for one in (await contacts(eve))["items"]] == ["push", "ntfy"]
    kept = await acme.rows("SELECT fields::text FROM kernel.resource_private")
    assert any("tk_secret" in fields for (fields,) in kept)
    await acme.settle()
    story = await acme.story()
    assert story.count("oncall.contacts_changed") == 3
    log = str(await acme.rows("SELECT * FROM kernel.log"))
    assert "eve@example.org" not in log
    assert "tk_secret" not in log


async def test_what_cannot_be_used_is_refused_on_the_page(eve: httpx.AsyncClient) -> None:
    for form in (
        {"type": "email", "address": "no address"},
        {"type": "apprise", "address": "nope://x"},
        {"type": "pigeon", "address": "x"},
    ):
        refused = await fill(eve, "/add", **form)
        assert refused.status_code == 422, form
        assert "data-error" in refused.text
    assert len((await contacts(eve))["items"]) == 2


async def test_the_same_by_the_api(eve: httpx.AsyncClient) -> None:
    new = {"contact": {"type": "inbox"}, "first": True}
    assert (await eve.post("/api/v1/me/contacts", json=new, headers=JSON)).status_code == 204
    items = (await contacts(eve))["items"]
    assert (items[0]["method"], items[0]["verified"], items[0]["urgent"]) == (
        "inbox",
        True,
        False,
    )
    code = await eve.post("/api/v1/me/contacts/1/code", headers=JSON)
    assert code.json()["tries_left"] == 5
    wrong = await eve.post("/api/v1/me/contacts/1/verify", json={"code": "12"}, headers=JSON)
    assert (wrong.status_code, wrong.json()["field"]) == (422, "code")
    assert (await eve.delete("/api/v1/me/contacts/0", headers=JSON)).status_code == 204
    assert (await eve.delete("/api/v1/me/contacts/9", headers=JSON)).status_code == 404


async def test_what_a_file_keeps_is_changed_in_the_file(acme: World) -> None:
    async with browser(acme, Role.ADMIN, await person(acme, "maya")) as maya:
        page = await maya.get(HERE)
        assert "A file keeps your contact methods" in page.text
        assert "add-contact" not in page.text
        refused = await fill(maya, "/add", type="push")
        assert refused.status_code == 409
        assert "managed by a file" in refused.text


async def test_somebody_elses_methods_are_for_admins_and_auditors(
    acme: World, eve: httpx.AsyncClient
) -> None:
    assert (await eve.get("/people/maya/contacts")).status_code == 403
    refused = await eve.get("/api/v1/people/maya/contacts", headers=JSON)
    assert refused.status_code == 403
    async with browser(acme, Role.AUDITOR, await person(acme, "maya")) as auditor:
        page = await auditor.get("/people/eve/contacts")
        assert "Eve cannot be reached at night" in page.text
        assert "Not verified" in page.text
        assert "eve@example.org" not in page.text
        assert "send-code" not in page.text
        found = await auditor.get("/api/v1/people/eve/contacts", headers=JSON)
        assert found.json()["reachable"] is False


async def test_who_is_nobody_has_nothing_to_test(acme: World) -> None:
    async with browser(acme, Role.ADMIN) as admin:
        page = await admin.get(HERE)
        assert "You are not one of the people who can be paged" in page.text


async def test_the_app_can_be_put_on_a_home_screen(acme: World) -> None:
    answer = await acme.http.get("/manifest.webmanifest")
    found = answer.json()
    assert answer.headers["content-type"] == "application/manifest+json"
    assert (found["display"], found["start_url"]) == ("standalone", "/")
    assert {one["purpose"] for one in found["icons"]} == {"any", "maskable"}
    for one in found["icons"]:
        assert (await acme.http.get(one["src"])).headers["content-type"] == "image/png"
