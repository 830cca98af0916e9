"""The lobby: more screens than can be worked on hear 503, and when to come again."""

import asyncio
from typing import Any

from httpx import ASGITransport, AsyncClient, Response

from tocsin.web import lobby
from tocsin.web.lobby import Lobby


class Slow:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.count = 0

    async def __call__(self, _scope: Any, _receive: Any, send: Any) -> None:
        self.count += 1
        await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def test_each_kind_has_its_own_limit() -> None:
    slow = Slow()
    async with AsyncClient(transport=ASGITransport(Lobby(slow)), base_url="http://t") as http:
        large = b"x" * (lobby.LARGE_BYTES + 1)
        waiting: list[asyncio.Future[Response]] = []
        for count, path, body in (
            (lobby.REQUESTS_MAX, "/", b""),
            (lobby.LARGE_MAX, "/api/v1/apply", large),
            (lobby.STREAMS_MAX, "/live", b""),
        ):
            before = slow.count
            waiting += [
                asyncio.ensure_future(http.post(path, content=body)) for _ in range(count)
            ]
            while slow.count < before + count:
                await asyncio.sleep(0)
            answer = await http.post(path, content=body)
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "1"
            assert answer.json()["code"] == "unavailable"
        slow.go.set()
        assert {(await one).status_code for one in waiting} == {200}
        assert (await http.get("/")).status_code == 200
