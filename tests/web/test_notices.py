"""Low-key messages in the inbox: a shift that has moved, of who has nothing but the inbox."""

import pytest
from pages_world import browser, person, proof

from fakes.world import World
from tocsin.kernel.access import Role

pytestmark = pytest.mark.db
EDIT = """
apiVersion: tocsin/v1
kind: Person
metadata: {name: boss}
spec: {displayName: Bea Boss, contact: [{type: inbox}]}
---
apiVersion: tocsin/v1
kind: Schedule
metadata: {name: primary}
spec:
  timezone: Europe/Berlin
  rotation: {start: "2026-01-05T09:00", every: week, people: [boss, maya, jonas]}
"""


async def test_who_has_only_the_inbox_finds_it_there_until_it_is_opened(acme: World) -> None:
    await acme.apply(EDIT)
    await acme.settle()
    async with browser(acme, Role.VIEWER, await person(acme, "boss")) as client:
        page = await client.get("/inbox")
        assert "on call in primary (primary) from Monday 30 March 07:00 (UTC) to" in page.text
        assert (await client.get("/inbox/unseen")).json()["count"] == 1
        [[notice]] = await acme.rows("SELECT id FROM oncall.notices WHERE kind = 'inbox'")
        opened = await client.post(f"/inbox/{notice}/open", data=proof(page))
        assert (opened.status_code, opened.headers["location"]) == (303, "/inbox")
        assert (await client.get("/inbox/unseen")).json()["count"] == 0
