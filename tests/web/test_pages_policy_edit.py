"""The policy editor: whom what is written would page today, before anything is saved."""

import pytest
from pages_world import browser, proof

from fakes.world import World
from tocsin.kernel.access import Role

pytestmark = pytest.mark.db
NIGHT = """
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: night}
spec:
  steps:
    - {targets: [{schedule: primary}], timeout: 5m}
    - {targets: [{person: maya}], timeout: 10m}
"""


async def test_a_policy_is_previewed_with_people_and_then_saved(world: World) -> None:
    async with browser(world, Role.MANAGER) as client:
        token = proof(await client.get("/policies/new"))
        form = token | {"text": NIGHT, "version": "0"}
        shown = await client.post("/policies/preview", data=form)
        assert "Today this pages Jonas Weber, then Maya Okafor" in shown.text
        assert await world.rows("SELECT 1 FROM kernel.resources WHERE name = 'night'") == []
        saved = await client.post("/policies/new", data=form | {"do": "save"})
        assert (saved.status_code, saved.headers["location"]) == (303, "/policies#policy-night")
        page = await client.get("/policies/night/edit")
        assert "Today this pages Jonas Weber, then Maya Okafor" in page.text
        turned = form | {
            "text": NIGHT.replace("{person: maya}", "{person: jonas}"),
            "version": "1",
        }
        shown = await client.post("/policies/night/edit", data=turned | {"do": "preview"})
        assert "Today this pages Jonas Weber, then Jonas Weber" in shown.text
        assert "changed EscalationPolicy/night" in shown.text
        assert "/policies/night/edit" in (await client.get("/policies")).text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (NIGHT.replace("maya", "nobody"), "nobody"),
        (NIGHT.replace("night", "day"), "keeps its name"),
        ("kind: [", "line:"),
        (
            NIGHT.replace("EscalationPolicy", "Route"),
            "one document of the kind EscalationPolicy",
        ),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_is_lost(
    world: World, text: str, said: str
) -> None:
    async with browser(world, Role.MANAGER) as client:
        token = proof(await client.get("/policies/new"))
        form = token | {"text": text, "version": "0", "do": "save"}
        answer = await client.post("/policies/night/edit", data=form)
    assert 400 <= answer.status_code < 500
    assert said in answer.text
    assert 'role="alert"' in answer.text
    assert "</textarea>" in answer.text


async def test_what_a_file_manages_is_shown_and_not_changed(world: World) -> None:
    async with browser(world, Role.MANAGER) as client:
        page = (await client.get("/policies/default/edit")).text
    assert "A file manages this" in page
    assert 'value="save"' not in page
    assert "Today this pages" in page
