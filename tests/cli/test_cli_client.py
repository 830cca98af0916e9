"""Writes over a bad network are done once."""

import httpx
import pytest
from typing_extensions import override

from tocsin.cli.client import Client
from tocsin.kernel.errors import Unavailable


class Flaky(httpx.AsyncBaseTransport):
    """Loses the first answers."""

    def __init__(self, *losses: type[httpx.TransportError]) -> None:
        self.losses = list(losses)
        self.requests: list[httpx.Request] = []

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Take the request, and answer it or not."""
        self.requests.append(request)
        if self.losses:
            raise self.losses.pop(0)("lost")
        return httpx.Response(200, json={"ok": True})


def client(network: Flaky, *, is_local: bool = False) -> Client:
    http = httpx.AsyncClient(transport=network, base_url="http://tocsin.test")
    return Client(http, is_local=is_local)


async def test_a_lost_answer_is_asked_for_again_under_the_same_key() -> None:
    network = Flaky(httpx.ReadError)
    assert await client(network).post("/incidents/INC-1/acknowledge") == {"ok": True}
    first, again = (request.headers["idempotency-key"] for request in network.requests)
    assert first == again
    await client(network).send("PUT", "/things", {"a": 1}, if_match='"7"')
    assert network.requests[-1].headers["idempotency-key"] != first
    assert network.requests[-1].headers["if-match"] == '"7"'


async def test_what_does_not_answer_at_all_is_not_asked_twice() -> None:
    network = Flaky(httpx.ConnectError)
    with pytest.raises(Unavailable):
        await client(network).post("/things")
    network.losses = [httpx.ReadError, httpx.ReadError]
    with pytest.raises(Unavailable, match="tocsin serve"):
        await client(network).post("/things")
    assert len(network.requests) == 3


async def test_reads_and_what_is_done_in_this_process_need_no_key() -> None:
    network = Flaky()
    await client(network).get("/things")
    await client(network, is_local=True).post("/things")
    assert all("idempotency-key" not in one.headers for one in network.requests)


async def test_a_given_key_is_kept() -> None:
    network = Flaky()
    await client(network).send("POST", "/things", idempotency_key="mine")
    assert network.requests[-1].headers["idempotency-key"] == "mine"
