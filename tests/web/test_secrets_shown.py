"""No screen, no answer of the API shows a secret, of a contact or a calendar, not even to an admin."""

from collections.abc import AsyncIterator

import pytest
from pages_world import browser, proof

from fakes.world import ACME, World, running
from tocsin.kernel.access import Role

pytestmark = pytest.mark.db
SECRETS = ("tk_topsecret", "sign-me", "T00/B00", "123:bot")
FOLLOWED = "private-4711"
ROTA = f"""
apiVersion: tocsin/v1
kind: Schedule
metadata: {{name: vendor}}
spec:
  timezone: UTC
  layers: [{{name: theirs, calendar: {{url: "https://calendar.example.org/{FOLLOWED}/basic.ics"}}}}]
"""
ADA = """
apiVersion: tocsin/v1
kind: Person
metadata: {name: ada}
spec:
  displayName: Ada
  contact:
  - {type: ntfy, topic: "https://ntfy.example.org/ada", token: tk_topsecret}
  - {type: webhook, url: "https://hooks.example.org/T00/B00", secret: sign-me}
  - {type: apprise, url: "tgram://123:bot/chat"}
"""
URL = "/resources/Person/ada"
VENDOR = "/resources/Schedule/vendor"


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    async with running(dsn) as world:
        await world.apply(f"{ACME}---{ADA}")
        await world.apply(ADA.replace("displayName: Ada", "displayName: Ada L."))
        await world.apply(ROTA)
        await world.apply(ROTA.replace("UTC", "Europe/Berlin"))
        yield world


async def test_nothing_that_is_read_shows_a_secret(world: World) -> None:
    async with browser(world, Role.ADMIN) as client:
        for path in (
            "/resources", URL, f"{URL}?old=1&new=2", f"{URL}/edit?take_over=true",
            f"{URL}/delete", f"{URL}/rollback?to=1", "/people", "/people/ada", "/search?q=ada",
            f"/api/v1{URL}", f"/api/v1{URL}/history", "/api/v1/resources/export",
            "/api/v1/people", "/api/v1/resources",
            VENDOR, f"{VENDOR}?old=1&new=2", f"{VENDOR}/edit?take_over=true",
            f"{VENDOR}/rollback?to=1", "/schedules/vendor", "/schedules/vendor/edit",
            f"/api/v1{VENDOR}", f"/api/v1{VENDOR}/history", "/changes",
            "/api/v1/oncall/schedules/vendor/layers", "/api/v1/oncall/coverage",
        ):  # fmt: skip
            answer = await client.get(path)
            assert answer.status_code == 200, path
            assert not [word for word in (*SECRETS, FOLLOWED) if word in answer.text], path
    kept = await world.rows("SELECT spec::text FROM kernel.resource_versions")
    kept += await world.rows("SELECT layers::text FROM oncall.schedule_versions")
    kept += await world.rows("SELECT l::text FROM kernel.intake_log l")
    assert FOLLOWED not in str(kept)


async def test_what_the_form_shows_can_be_saved_and_keeps_the_secrets(world: World) -> None:
    async with browser(world, Role.ADMIN) as client:
        page = await client.get(f"{URL}/edit?take_over=true")
        text = page.text.partition("<textarea")[2].partition(">\n")[2]
        text = text.partition("</textarea>")[0].replace("Ada L.", "Ada Lovelace")
        form = {**proof(page), "version": "2", "take_over": "yes", "text": text}
        preview = await client.post(f"{URL}/edit", data={**form, "do": "preview"})
        assert "spec.displayName" in preview.text
        assert "spec.contact" not in preview.text
        saved = await client.post(f"{URL}/edit", data={**form, "do": "save"})
        assert saved.status_code == 303, saved.text
        page = await client.get(f"{URL}/edit")
        form = {
            **proof(page),
            "version": "3",
            "text": text.replace("token: …", "token: tk_new"),
        }
        preview = await client.post(f"{URL}/edit", data={**form, "do": "preview"})
        assert "secret changed" in preview.text
    [(kept,)] = await world.rows(
        "SELECT fields::text FROM kernel.resource_private WHERE fields ->> 'displayName'"
        " = 'Ada Lovelace'"
    )
    assert all(word in kept for word in SECRETS)
