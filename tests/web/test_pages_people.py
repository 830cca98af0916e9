"""The screens of people, tokens and the account: who sees what, and what is shown once."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from pages_world import browser, person, proof

from fakes.world import ACME, World, running
from tocsin.kernel.access import Role

pytestmark = pytest.mark.db
TEAM = """
apiVersion: tocsin/v1
kind: Team
metadata: {name: payments}
spec: {displayName: Payments, members: [{person: maya, role: manager}]}
"""


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    async with running(dsn) as world:
        yield world


def secret(page: httpx.Response, found_in: str) -> str:
    found = re.search(rf'id="{found_in}"[^>]*>([^<]+)<', page.text)
    assert found, page.text
    return found[1]


async def test_an_empty_tocsin_says_how_people_come(world: World) -> None:
    async with browser(world, Role.ADMIN) as client:
        page = (await client.get("/people")).text
        assert "tocsin apply" in page
        assert "kind: Team" in page
        assert "tocsin person invite NAME --role admin" in (await client.get("/account")).text


async def test_the_list_shows_access_to_who_may_read_it_and_names_to_all(world: World) -> None:
    await world.apply(ACME)
    await world.apply(TEAM)
    async with browser(world, Role.ADMIN) as admin, browser(world, Role.VIEWER) as viewer:
        for client, is_open in ((admin, True), (viewer, False)):
            page = (await client.get("/people")).text
            for words in ("Maya Okafor", "Payments", "primary"):
                assert words in page
            assert ("No access" in page) == is_open
            one = (await client.get("/people/jonas")).text
            assert ("j…@example.org" in one) == is_open
            assert "jonas@example.org" not in one
            assert ('id="invite"' in one) == is_open
        assert (await viewer.get("/people/nobody")).status_code == 404
        assert (await viewer.get("/tokens")).status_code == 403
        form = proof(await viewer.get("/account"))
        for verb in ("invite", "reset", "role", "disable", "enable"):
            data = form | {"role": "admin"}
            refused = await viewer.post(f"/people/jonas/{verb}", data=data)
            assert refused.status_code == 403, verb


async def test_an_invitation_is_shown_once_and_works(world: World) -> None:
    await world.apply(ACME)
    async with browser(world, Role.ADMIN) as admin:
        form = proof(await admin.get("/people/jonas"))
        page = await admin.post("/people/jonas/invite", data=form | {"role": "responder"})
        link = secret(page, "link")
        assert page.headers["cache-control"] == "no-store"
        assert link not in (await admin.get("/people/jonas")).text
        assert "Invited" in (await admin.get("/people/jonas")).text
        assert (await admin.post("/people/jonas/invite", data=form)).status_code == 422
        changed = await admin.post("/people/jonas/role", data=form | {"role": "viewer"})
        assert (changed.status_code, changed.headers["location"]) == (303, "/people/jonas")
        gone = await admin.post("/people/jonas/disable", data=form)
        assert gone.status_code == 303
        assert 'id="enable"' in (await admin.get("/people/jonas")).text
    chosen = await world.http.get(link[link.index("/sign-in/") :])
    assert "was used or has expired" in chosen.text


async def test_a_token_is_shown_once_and_a_wrong_form_says_why(world: World) -> None:
    await world.apply(ACME)
    await world.apply(TEAM)
    async with browser(world, Role.ADMIN) as admin:
        form = proof(await admin.get("/tokens"))
        wrong = form | {"name": "no spaces", "role": "viewer", "expires_in": "30d"}
        refused = await admin.post("/tokens", data=wrong)
        assert refused.status_code == 422
        assert "is no token name" in refused.text
        assert 'value="no spaces"' in refused.text
        good = form | {"name": "bot", "role": "responder", "team": "payments", "rate": "5"}
        token = secret(await admin.post("/tokens", data=good), "secret")
        actor = (await world.app.services.identity.by_token(token)).actor
        assert (actor.role, dict(actor.teams)) == (Role.VIEWER, {"payments": Role.RESPONDER})
        page = await admin.get("/tokens")
        assert token not in page.text
        assert "payments" in page.text
        revoke = f"/tokens/{actor.id}/revoke"
        assert (await admin.post(revoke)).status_code == 403  # no proof
        assert (await admin.post(revoke, data=form)).headers["location"] == "/tokens"
        assert "bot" not in (await admin.get("/tokens")).text


async def test_ones_own_tokens_are_made_and_revoked_on_the_account(world: World) -> None:
    await world.apply(ACME)
    maya = await person(world, "maya")
    async with browser(world, Role.RESPONDER, maya) as client:
        form = proof(await client.get("/account"))
        more = form | {"name": "laptop", "role": "admin", "expires_in": "90d"}
        refused = await client.post("/account/tokens", data=more)
        assert refused.status_code == 403
        assert "cannot make a token that is admin" in refused.text
        page = await client.post("/account/tokens", data=more | {"role": "responder"})
        assert secret(page, "secret").startswith("tocsin_")
        assert "Revoke laptop" in page.text
        [(ident,)] = await world.rows("SELECT id FROM governance.tokens WHERE name <> 'test'")
        await client.post(f"/account/tokens/{ident}/revoke", data=form)
        assert "Revoke laptop" not in (await client.get("/account")).text
