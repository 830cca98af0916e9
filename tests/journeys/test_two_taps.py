"""From the lock screen: the notification's button acknowledges, and nobody else is called.

The ntfy server is a fake on loopback that speaks its publish API, as far as a page needs it
(https://docs.ntfy.sh/publish/#publish-as-json): it checks what it is sent as the real one does.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from fakes.world import ACME, NOON, World, running
from tocsin.integrations.ntfy.send import Ntfy
from tocsin.integrations.outbound import Outbound, networks
from tocsin.oncall.model import MethodKind

pytestmark = [pytest.mark.db, pytest.mark.journey]

FIRE = {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"}
LIMIT = 4096
FIELDS = {
    "topic": str, "title": str, "message": str, "priority": int, "tags": list, "click": str,
    "actions": list, "sequence_id": str,
}  # fmt: skip


class Server:
    """A server with one topic; `refusals` are answered first, each once."""

    def __init__(self) -> None:
        self.port = 0
        self.published: list[dict[str, Any]] = []
        self.refusals: list[bytes] = []
        self.tokens: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = {
            name.lower(): value
            for name, value in (line.split(": ", 1) for line in head.split("\r\n")[1:-2])
        }
        body = await reader.readexactly(int(headers["content-length"]))
        self.tokens.append(headers.get("authorization", ""))
        answer = self.refusals.pop(0) if self.refusals else self.publish(json.loads(body))
        writer.write(answer)
        writer.close()

    def publish(self, message: dict[str, Any]) -> bytes:
        for name, value in message.items():
            assert isinstance(value, FIELDS[name]), f"ntfy knows no {name}: {value!r}"
        assert len(message["message"].encode()) <= LIMIT
        assert 1 <= message["priority"] <= 5
        assert len(message["actions"]) <= 3
        for action in message["actions"]:
            assert action["action"] in ("http", "view", "broadcast")
            assert action["label"]
            assert action["url"].startswith("http")
        self.published.append(message)
        body = json.dumps({"id": f"m{len(self.published)}", "event": "message"}).encode()
        return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


@asynccontextmanager
async def ntfy_server() -> AsyncIterator[Server]:
    fake = Server()
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.port = server.sockets[0].getsockname()[1]
    async with server:
        yield fake


@asynccontextmanager
async def world_with(dsn: str, ntfy: Server) -> AsyncIterator[World]:
    """Maya and Jonas are pushed to by ntfy; the rest is as ever."""
    async with running(dsn) as world:
        outbound = Outbound(allowed=networks("127.0.0.0/8"))
        world.channels[MethodKind.NTFY] = Ntfy(outbound)
        push = f'{{type: ntfy, topic: "http://127.0.0.1:{ntfy.port}/alarms", token: tk_1}}'
        await world.apply(
            ACME.replace("{type: email, address: jonas@example.org}", push)
            .replace('- {type: webhook, url: "https://hooks.example.org/jonas"}', "")
            .replace("{type: email, address: maya@example.org}", push)
        )
        yield world


async def tap(world: World, button: dict[str, Any]) -> httpx.Response:
    """Do what the phone does for an action of kind `http`: the request it names, and no more."""
    assert button["action"] == "http"
    path = button["url"].removeprefix(world.app.settings.base_url)
    return await world.http.request(button.get("method", "POST"), path)


async def test_two_taps_on_the_lock_screen_take_the_page(dsn: str) -> None:
    async with ntfy_server() as ntfy, world_with(dsn, ntfy) as world:
        await world.signal(FIRE, ends_at=NOON.replace(hour=20))
        [shown] = ntfy.published  # first tap: the notification opens
        assert shown["topic"] == "alarms"
        assert shown["priority"] == 5
        assert ntfy.tokens == ["Bearer tk_1"]
        acknowledge, view = shown["actions"]
        assert (acknowledge["label"], view["label"]) == ("Acknowledge", "Open")
        assert view["url"].endswith("/incidents/INC-1")
        answer = await tap(world, acknowledge)  # second tap
        assert answer.status_code == 200
        assert (await tap(world, acknowledge)).status_code == 200  # a thumb that trembles
        await world.forward(minutes=25)
        assert await world.rows("SELECT state FROM oncall.pages") == [("acknowledged",)]
        assert len(ntfy.published) == 1
        assert world.mail.sent == []  # and nobody else was called
        assert await world.rows("SELECT outcome, provider_id FROM oncall.attempts") == [
            ("sent", "m1")
        ]
        lines = await world.rows(
            "SELECT line FROM kernel.log WHERE kind = 'oncall.page_acknowledged'"
        )
        assert '"channel":"ntfy"' in lines[0][0]


async def test_a_busy_ntfy_server_is_asked_again_when_it_says_so(dsn: str) -> None:
    async with ntfy_server() as ntfy, world_with(dsn, ntfy) as world:
        ntfy.refusals.append(
            b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 40\r\ncontent-length: 0\r\n\r\n"
        )
        await world.signal(FIRE, ends_at=NOON.replace(hour=20))
        await world.forward(seconds=39)
        assert ntfy.published == []
        await world.forward(seconds=1)
        assert len(ntfy.published) == 1
        assert await world.rows("SELECT outcome FROM oncall.attempts ORDER BY number") == [
            ("transient",),
            ("sent",),
        ]


async def test_a_topic_that_is_refused_for_good_is_told_without_its_token(dsn: str) -> None:
    async with ntfy_server() as ntfy, world_with(dsn, ntfy) as world:
        ntfy.refusals += [b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n"] * 9
        await world.signal(FIRE, ends_at=NOON.replace(hour=20))
        [(error,)] = await world.rows("SELECT error FROM oncall.attempts LIMIT 1")
        assert "403" in error
        lines = await world.rows("SELECT line FROM kernel.log")
        assert not [line for (line,) in lines if "tk_1" in line or "alarms" in line]
