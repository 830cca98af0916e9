"""The incident's room, its list and the palette in the whole application: who may do and see what."""

from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from pages_world import browser, fire, person, proof

from fakes.world import ACME, NOON, World
from tocsin.kernel.access import Role

pytestmark = pytest.mark.db
INC = "/incidents/INC-1"


async def do(client: httpx.AsyncClient, path: str, **form: str | list[str]) -> httpx.Response:
    """Post a form of the screens, with its proof."""
    return await client.post(path, data={**proof(await client.get("/account")), **form})


async def second(world: World, service: str = "search") -> None:
    labels = {"alertname": "Slow", "service": service, "severity": "critical"}
    await world.signal(labels, ends_at=NOON + timedelta(hours=5))


async def test_a_note_stands_in_the_timeline_in_a_box_of_its_own(world: World) -> None:
    await fire(world)
    async with browser(world, person_id=await person(world, "maya")) as client:
        assert (await do(client, f"{INC}/notes", text="It was <b>DNS</b>")).status_code == 303
        page = (await client.get(f"{INC}?show=notes")).text
        assert '<p class="tc-quote">It was &lt;b&gt;DNS&lt;/b&gt;</p>' in page
        assert "calling Jonas Weber" not in page.split('id="incident-timeline"')[1]
        assert (await do(client, f"{INC}/notes", text="  ")).status_code == 422


async def test_somebody_is_paged_by_name_and_then_the_next_step(world: World) -> None:
    await fire(world)
    async with browser(world) as client:
        form = await client.get(f"{INC}/page")
        assert "Bea Boss" in form.text
        assert "data-dialog-body" in form.text
        assert (await do(client, f"{INC}/page", person="boss")).status_code == 303
        assert (await do(client, f"{INC}/page")).status_code == 422
        await world.settle()
        assert world.mail.to("boss@example.org")
        assert (await do(client, f"{INC}/escalate")).status_code == 303
        assert "Bea Boss, asked for" in (await client.get(INC)).text


async def test_an_update_changes_what_differs_and_refuses_to_undo_anothers(
    world: World,
) -> None:
    await fire(world)
    async with browser(world) as client:
        said = {
            "version": "1", "status": "identified", "severity": "SEV2", "priority": "P1",
            "title": "Checkout fails", "description": "for some",
        }  # fmt: skip
        assert (await do(client, f"{INC}/update", **said)).status_code == 303
        page = (await client.get(INC)).text
        for words in ("SEV2", "P1", "Checkout fails", "for some"):
            assert words in page
        late = await do(client, f"{INC}/update", **(said | {"severity": "SEV5"}))
        assert late.status_code in (409, 412)
        assert "SEV2" in (await client.get(INC)).text
        assert (await do(client, f"{INC}/update", priority="P9")).status_code == 422


async def test_resolve_asks_first_and_reopen_takes_it_back(world: World) -> None:
    await fire(world)
    async with browser(world) as client:
        assert "1 of 1 alerts still fire" in (await client.get(f"{INC}/resolve")).text
        await do(client, f"{INC}/resolve", note="Rolled back.")
        page = (await client.get(INC)).text
        assert "Rolled back." in page
        assert f'href="{INC}/reopen"' in page
        await do(client, f"{INC}/reopen")
        assert f'href="{INC}/resolve"' in (await client.get(INC)).text


async def test_incidents_are_merged_linked_and_walked(world: World) -> None:
    await fire(world)
    await second(world)
    async with browser(world) as client:
        page = (await client.get(INC)).text
        assert 'href="/incidents/INC-2" data-key="["' in page
        await do(client, f"{INC}/link", target="https://docs.example.org/x", title="Notes")
        await do(client, f"{INC}/link", target="INC-2")
        page = (await client.get(INC)).text
        assert 'href="https://docs.example.org/x"' in page
        assert "INC-2 Slow on search" in page
        answer = await do(client, "/incidents/INC-2/merge", into="INC-1")
        assert answer.headers["location"] == INC
        assert "merged into this one" in (await client.get(INC)).text
        merged = (await client.get("/incidents/INC-2")).text
        assert "Merged into <a" in merged
        assert "/resolve" not in merged


async def test_what_is_restricted_is_nowhere_for_others(world: World) -> None:
    await fire(world)
    maya = await person(world, "maya")
    async with browser(world, Role.MANAGER, maya) as mine:
        await do(mine, f"{INC}/restrict", person=["maya"])
        assert "Seen by Maya Okafor" in (await mine.get(INC)).text
        async with browser(world, person_id=await person(world, "boss")) as theirs:
            for path in (INC, f"{INC}/update", f"{INC}/_timeline"):
                assert (await theirs.get(path)).status_code == 404
            for path in ("/", "/incidents", "/palette?q=checkout", "/search?q=checkout"):
                assert INC not in (await theirs.get(path)).text, path
            assert (await do(theirs, f"{INC}/resolve")).status_code == 404
        await do(mine, f"{INC}/restrict")
        assert "Seen by" not in (await mine.get(INC)).text


async def test_the_list_is_narrowed_by_what_stands_in_the_address(world: World) -> None:
    await fire(world)
    await second(world)
    async with browser(world, person_id=await person(world, "maya")) as client:

        async def shown(query: str) -> list[str]:
            text = (await client.get(f"/incidents{query}")).text
            return [one for one in ("INC-1", "INC-2") if f'id="row-{one}"' in text]

        assert await shown("") == ["INC-1", "INC-2"]
        assert await shown("?q=search") == ["INC-2"]
        assert await shown("?service=checkout") == ["INC-1"]
        assert await shown("?severity=SEV1") == []
        assert await shown("?mine=1") == []
        await do(client, f"{INC}/acknowledge")
        await do(client, "/incidents/INC-2/resolve")
        assert await shown("?mine=1") == ["INC-1"]
        assert await shown("") == ["INC-1"]
        assert await shown("?status=resolved") == ["INC-2"]
        assert await shown("?status=all") == ["INC-1", "INC-2"]
        assert "Drop the filters" in (await client.get("/incidents?q=nothing")).text
        assert (await client.get("/incidents?cursor=x")).status_code == 422


async def test_many_are_acknowledged_and_a_refusal_stops_nothing_else(world: World) -> None:
    await fire(world)
    await second(world)
    async with browser(world) as client:
        answer = await do(
            client, "/incidents/_many", id=["INC-1", "INC-9", "INC-2"], verb="acknowledge"
        )
        assert answer.status_code == 404
        assert "INC-9" in answer.text
        states = await world.rows("SELECT state FROM oncall.pages")
        assert states == [("acknowledged",), ("acknowledged",)]
        assert (await do(client, "/incidents/_many", one="INC-1")).status_code == 303
        for form in ({"verb": "acknowledge"}, {"verb": "erase", "id": "INC-1"}):
            assert (await do(client, "/incidents/_many", **form)).status_code == 422


async def test_an_incident_is_declared_from_alerts_and_pages_or_not(world: World) -> None:
    async with browser(world, person_id=await person(world, "maya")) as client:
        answer = await do(client, "/declare", title="Nobody can log in", policy="-")
        assert answer.headers["location"] == INC
        assert "paged nobody" in (await client.get(INC)).text
        await do(client, "/declare", title="Doors are shut", severity="SEV2", policy="default")
        await world.settle()
        page = (await client.get("/incidents/INC-2")).text
        assert "Paged Jonas Weber" in page
        assert "SEV2" in page
        refused = await do(client, "/declare", title=" ", description="what I wrote", policy="")
        assert refused.status_code == 422
        assert "what I wrote" in refused.text
        assert "aria-invalid" in refused.text


async def test_a_declared_incident_takes_the_groups_that_were_selected(world: World) -> None:
    low = {"alertname": "Odd", "service": "blog", "severity": "info"}
    await world.signal(low, ends_at=NOON + timedelta(hours=5))
    rows = await world.rows("SELECT id FROM triage.groups ORDER BY id")
    async with browser(world) as client:
        form = await client.get(f"/declare?group={rows[0][0]}")
        assert f'value="{rows[0][0]}" checked' in form.text
        assert (await client.get("/declare?group=x")).status_code == 422
    async with browser(world, Role.VIEWER) as viewer:
        assert (await viewer.get("/declare")).status_code == 403


async def test_why_walks_up_to_the_alerts(world: World) -> None:
    await fire(world)
    async with browser(world) as client:
        page = (await client.get(INC)).text
        paths = [part.split('"')[0] for part in page.split(f'href="{INC}/why/')[1:]]
        assert paths
        told = (await client.get(f"{INC}/why/{paths[0]}")).text
        assert "because" in told
        assert "route: " in told
        assert (await client.get(f"{INC}/why/{UUID(int=1)}")).status_code == 404


async def test_the_palette_finds_what_is_typed_and_the_page_does_without_script(
    world: World,
) -> None:
    await fire(world)
    await world.forward(minutes=1)  # words are noted a moment later
    async with browser(world, Role.ADMIN) as client:
        assert 'href="/incidents/INC-1"' in (await client.get("/palette")).text
        found = (await client.get("/palette?q=check")).text
        assert found.count('role="option"') == 2  # the incident and its alert
        assert (await client.get("/palette?q=c")).text.strip() == ""
        assert "INC-1, calling" in found
        assert "firing, service=checkout" in found  # what tells it from others of its name
        page = (await client.get("/search?q=weber")).text
        assert 'href="/people/jonas"' in page
        assert "Nothing found" in (await client.get("/search?q=nothing+like+it")).text


async def test_the_side_bar_shows_what_one_may_open_and_until_when_one_is_on_call(
    world: World,
) -> None:
    await fire(world)
    async with browser(world, Role.VIEWER, await person(world, "jonas")) as client:
        text = (await client.get("/_nav?at=incident")).text
        assert 'href="/tokens"' not in text
        assert 'href="/incidents" data-key="g i" aria-current="page"' in text
        assert "On call until Mon 07:00 UTC" in text
        assert '<b class="tc-count" data-tone="crit">1' in text
    async with browser(world, Role.ADMIN) as client:
        assert 'href="/tokens"' in (await client.get("/_nav")).text
        assert "On call until" not in (await client.get("/_nav")).text
    zone = "displayName: Jonas Weber\n  timezone: Europe/Berlin"
    await world.apply(ACME.replace("displayName: Jonas Weber", zone))
    async with browser(world, Role.VIEWER, await person(world, "jonas")) as client:
        assert "On call until Mon 09:00 UTC+2" in (await client.get("/_nav")).text


async def test_the_ui_kit_shows_every_component(world: World) -> None:
    async with browser(world, Role.VIEWER) as client:
        text = (await client.get("/ui-kit")).text
        for part in ("tc-btn-crit", "tc-choices", "tc-bulk", "tc-time", "tc-empty", "SEV5"):
            assert part in text


async def test_answers_are_compressed_for_who_can_read_them_and_the_stream_is_not(
    world: World,
) -> None:
    async with browser(world) as client:
        page = await client.get("/")
        assert page.headers["content-encoding"] == "gzip"
        plain = await client.get("/", headers={"accept-encoding": "identity"})
        assert "content-encoding" not in plain.headers
