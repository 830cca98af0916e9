"""What tests of the screens do: let an alert fire, sign a browser in, read a form's proof."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import httpx

from fakes.world import NOON, World
from tocsin.kernel.access import Role

FIRE = {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"}
HTML = {"accept": "text/html"}


async def person(world: World, name: str) -> UUID:
    found = await world.rows(f"SELECT uid FROM kernel.resources WHERE name = '{name}'")
    return UUID(str(found[0][0]))


@asynccontextmanager
async def browser(
    world: World, role: Role = Role.RESPONDER, person_id: UUID | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """Sign a browser in, as a person does."""
    transport = httpx.ASGITransport(world.app.site)  # type: ignore[arg-type]
    async with httpx.AsyncClient(
        transport=transport, base_url="http://tocsin.test", headers=HTML
    ) as client:
        link = await world.app.sign_in_link(role, person_id)
        answer = await client.post(link[link.index("/sign-in/") :])
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        yield client


def proof(page: httpx.Response) -> dict[str, str]:
    found = re.search(r'name="_csrf" value="([0-9a-f]+)"', page.text)
    assert found, page.text
    return {"_csrf": found.group(1)}


async def fire(world: World) -> None:
    await world.signal(
        FIRE, ends_at=NOON + timedelta(hours=5), summary="5xx", runbook_url="https://r.test/b"
    )


def ack_path(world: World) -> str:
    found = re.search(r"/a/[\w-]+", world.mail.sent[-1][1].text)
    assert found
    return found.group()
