"""The screens of the configuration: read, preview, save, compare, roll back, delete; without script."""

import html
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from pages_world import browser, proof

from fakes.world import NOON, World
from tocsin.kernel.access import Role

pytestmark = pytest.mark.db
ROUTE = """\
apiVersion: tocsin/v1
kind: Route
metadata:
  name: web
spec:
  order: 5
"""
URL = "/resources/Route/web"


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(world, Role.MANAGER) as found:
        yield found


async def make(client: httpx.AsyncClient, text: str = ROUTE) -> None:
    form = proof(await client.get("/resources/new"))
    answer = await client.post("/resources/new", data={**form, "text": text, "do": "save"})
    assert (answer.status_code, answer.headers["location"]) == (303, URL), answer.text


async def send(
    client: httpx.AsyncClient, path: str, *, at: str | None = None, **fields: str
) -> httpx.Response:
    form = proof(await client.get(at or path))
    return await client.post(path, data={**form, **fields})


async def test_the_list_says_who_manages_what_and_who_changed_it_last(
    client: httpx.AsyncClient,
) -> None:
    page = await client.get("/resources")
    assert page.status_code == 200, page.text
    for words in ("EscalationPolicy", "primary", "/resources/Person/maya", "File", "by Tocsin"):
        assert words in page.text


async def test_a_new_resource_is_previewed_then_saved(client: httpx.AsyncClient) -> None:
    assert "kind: Schedule" in (await client.get("/resources/new?kind=Schedule")).text
    assert (await client.get("/resources/new?kind=Ship")).status_code == 404
    form = proof(await client.get("/resources/new"))
    shown = await client.post("/resources/new", data={**form, "text": ROUTE, "do": "preview"})
    assert shown.status_code == 200
    assert "web pages Jonas Weber from now on" in shown.text
    assert "created Route/web" in shown.text
    assert (await client.get(URL)).status_code == 404  # nothing is kept
    await make(client)
    page = await client.get(URL)
    assert "order: 5" in page.text
    assert "Screen" in page.text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ROUTE.replace("order", "ordr"), "line:6: Route/web: spec.ordr: is no field here; did you"),
        (ROUTE.replace("5", "five"), "line:6: Route/web: spec.order: Expected `int`"),
        (ROUTE.replace("order: 5", "policy: none-such"), "line:6: Route/web: spec.policy: there is no"),
        (ROUTE + "---\n" + ROUTE, "2 documents; write one"),
        ("", "0 documents; write one"),
        ("a: [", "line:1:"),
        (ROUTE.replace("Route", "Rout"), "line:2: Rout/web: unknown kind"),
        (ROUTE.replace("name: web", "name: WEB"), "line:4: metadata.name"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("verb", ["preview", "save"])
async def test_a_mistake_is_named_with_its_line_and_the_text_stays(
    client: httpx.AsyncClient, text: str, words: str, verb: str
) -> None:
    form = proof(await client.get("/resources/new"))
    shown = await client.post("/resources/new", data={**form, "text": text, "do": verb})
    assert shown.status_code == 422
    page = html.unescape(shown.text)
    assert words in page
    assert text in page


async def test_what_somebody_else_has_changed_meanwhile_is_not_overwritten(
    client: httpx.AsyncClient,
) -> None:
    await make(client)
    ours = ROUTE.replace("5", "6")
    first = await send(client, f"{URL}/edit", text=ours, version="1", do="save")
    assert first.status_code == 303
    late = await send(client, f"{URL}/edit", text=ROUTE, version="1", do="save")
    assert late.status_code == 412
    assert "version 2 now" in late.text
    renamed = ROUTE.replace("web", "other")
    answer = await send(client, f"{URL}/edit", text=renamed, version="2", do="save")
    assert "keeps its kind and its name" in answer.text.replace("\n", " ")


async def test_two_versions_are_compared_and_the_older_comes_back(
    client: httpx.AsyncClient,
) -> None:
    await make(client)
    await send(client, f"{URL}/edit", text=ROUTE.replace("5", "6"), version="1", do="save")
    page = await client.get(f"{URL}?old=1&new=2")
    assert "Version 1 to 2" in page.text
    assert "order: 6</ins>" in page.text.replace("  order", "order")
    assert (await client.get(f"{URL}?old=1&new=9")).status_code == 404
    asked = await client.get(f"{URL}/rollback?to=1")
    assert "Roll Route/web back to version 1" in asked.text
    assert "spec.order" in asked.text
    path = f"{URL}/rollback"
    done = await send(client, path, at=f"{path}?to=1", to="1", version="2")
    assert done.status_code == 303
    assert "order: 5" in (await client.get(URL)).text
    assert (await client.get(f"{path}?to=77")).status_code == 404


async def test_what_a_file_manages_is_read_only_until_it_is_taken_over(
    client: httpx.AsyncClient,
) -> None:
    url = "/resources/Person/maya"
    page = await client.get(url)
    assert "A file manages this" in page.text
    locked = await client.get(f"{url}/edit")
    assert "readonly" in locked.text
    assert 'value="save"' not in locked.text
    [before, _, rest] = locked.text.partition("<textarea")
    text = rest.partition(">\n")[2].partition("</textarea>")[0].replace("Okafor", "O.")
    assert before
    refused = await send(client, f"{url}/edit", text=text, version="1", do="save")
    assert refused.status_code == 409
    taken = await send(
        client, f"{url}/edit", text=text, version="1", do="save", take_over="yes"
    )
    assert taken.status_code == 303
    page = await client.get(url)
    assert "Maya O." in page.text
    assert "managedBy" in page.text


async def test_a_deletion_asks_for_the_name_and_says_what_comes_of_it(
    client: httpx.AsyncClient,
) -> None:
    await make(client)
    path = f"{URL}/delete"
    assert "deleted Route/web" in (await client.get(path)).text
    wrong = await send(client, path, name="wep", version="1")
    assert wrong.status_code == 422
    assert "type web to delete it" in wrong.text
    assert (await send(client, path, name="web", version="1")).status_code == 303
    page = await client.get(URL)
    assert "Deleted" in page.text
    assert "/rollback?to=1" in page.text
    held = await client.get("/resources/Person/maya/delete")
    assert "Schedule/primary points at Person/maya" in held.text


async def test_what_is_to_come_is_shown_and_can_be_cancelled(
    world: World, client: httpx.AsyncClient
) -> None:
    since = (NOON + timedelta(days=2)).isoformat()
    await make(client, ROUTE.replace("name: web", f'name: web\n  effectiveFrom: "{since}"'))
    page = await client.get(URL)
    assert "Not in force yet" in page.text
    assert "Scheduled" in page.text
    await send(client, f"{URL}/cancel", at=URL)
    assert (await client.get(URL)).status_code == 404
    assert await world.rows("SELECT 1 FROM kernel.resource_scheduled") == []


async def test_a_viewer_reads_and_writes_nothing_and_sees_nothing_private(
    world: World, client: httpx.AsyncClient
) -> None:
    await make(client)
    async with browser(world, Role.VIEWER) as viewer:
        assert (await viewer.get("/resources")).status_code == 200
        page = await viewer.get("/resources/Person/maya")
        assert "@example.org" not in page.text
        assert "Without contact, displayName" in page.text
        assert "/edit" not in page.text
        form = proof(page)
        for path in (f"{URL}/edit", f"{URL}/delete", f"{URL}/rollback", f"{URL}/cancel"):
            answer = await viewer.post(path, data={**form, "text": ROUTE, "name": "web"})
            assert answer.status_code == 403, path
            if not path.endswith("cancel"):
                assert (await viewer.get(path)).status_code == 403, path


async def test_what_is_not_there_is_not_found(client: httpx.AsyncClient) -> None:
    for path in ("Ship/titanic", "Route/none", "Route/none/edit", "Route/none/delete"):
        assert (await client.get(f"/resources/{path}")).status_code == 404, path
