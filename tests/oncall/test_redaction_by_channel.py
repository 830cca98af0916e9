"""Each way to reach a person honours `show`: nothing else of the alert leaves, whatever it sends."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from fakes.world import ACME, NOON, World, running
from tocsin.integrations.webhook.send import payload
from web.pages_world import browser, person

pytestmark = pytest.mark.db
ALERT = {
    "alertname": "CardsDeclined", "service": "checkout", "severity": "critical",
    "customer": "ladybird-7",
}  # fmt: skip
CONTACTS: dict[str, dict[str, Any]] = {
    "email": {"address": "jonas@example.org"},
    "webhook": {"url": "https://hooks.example.org/jonas"},
    "ntfy": {"topic": "https://ntfy.example.org/jonas"},
    "apprise": {"url": "json://hooks.example.org/jonas"},
    "inbox": {},
    "sms": {"number": "+4915123456789"},
    "voice": {"number": "+4915123456789"},
    "mattermost": {"url": "https://chat.example.org/hooks/jonas"},
    "teams": {"url": "https://flows.example.org/jonas"},
}


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    async with running(dsn) as world:
        yield world


@pytest.mark.parametrize("show", ["full", "title", "reference"])
@pytest.mark.parametrize("kind", list(CONTACTS))
async def test_no_more_leaves_than_the_contact_allows(
    world: World, kind: str, show: str
) -> None:
    contact = {"type": kind, "show": show, **CONTACTS[kind]}
    spec = msgspec.json.encode([contact]).decode()
    await world.apply(ACME)
    await world.apply(
        "apiVersion: tocsin/v1\nkind: Person\nmetadata: {name: jonas}\n"
        f"spec: {{displayName: Jonas Weber, contact: {spec}}}\n"
    )
    await world.signal(ALERT, ends_at=NOON + timedelta(hours=9))
    assert await world.rows("SELECT show FROM oncall.attempts") == [(show,)]
    if kind == "inbox":
        async with browser(world, person_id=await person(world, "jonas")) as client:
            left = (await client.get("/inbox/unseen")).text  # a browser notification
        assert ("CardsDeclined" in left) == (show != "reference")
        assert "ladybird-7" not in left
        return
    [(_, message)] = world.mail.sent
    left = payload(message).decode()  # every field that any channel could send
    assert ("ladybird-7" in left) == (show == "full")
    assert ("CardsDeclined" in left) == (show != "reference")
    assert "INC-1" in left
    assert message.ack_link in left
