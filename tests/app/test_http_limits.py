"""Limits of a connection: whoever is slow, large or one too many is let go and told so."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn

from tocsin.app.http_limits import HEAD_BYTES_MAX, LimitedProtocol
from tocsin.app.http_server import listener
from tocsin.web import inbound_body
from tocsin.web.inbound_body import Receive, Scope, Send, read


class Quick(LimitedProtocol):
    """As the real one, and impatient."""

    connections_max = 3
    head_s = body_s = idle_s = 0.05


async def app(scope: dict[str, str], receive: object, send: object) -> None:
    while (await receive()).get("more_body"):  # type: ignore[operator]
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]


async def short(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer in one piece, as intake does, at once or after the body."""
    if scope["path"] != "/at-once":
        await read(receive, 1000)
    said = b"no\r\nset-cookie: x" if scope["path"] == "/split" else b"x"
    await inbound_body.answer(scope, send, 202, ((b"x-said", said),), scope["path"].encode())


async def served(protocol: type[LimitedProtocol], answering: Any = app) -> AsyncIterator[int]:
    sock = listener("127.0.0.1", 0, shared=False)
    config = uvicorn.Config(
        answering,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
    )
    server = uvicorn.Server(config)
    running = asyncio.ensure_future(server._serve(sockets=[sock]))
    while not server.started:
        await asyncio.sleep(0)
    yield sock.getsockname()[1]
    server.should_exit = server.force_exit = True
    await running


@pytest.fixture
async def quick() -> AsyncIterator[int]:
    async for port in served(Quick):
        yield port


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async for port in served(LimitedProtocol):
        yield port


@pytest.fixture
async def short_port() -> AsyncIterator[int]:
    async for port in served(LimitedProtocol, short):
        yield port


async def answer(port: int, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    found = await reader.read(200)
    writer.close()
    return found.split(b"\r\n", 1)[0]


async def test_a_head_that_never_ends_is_cut_off(port: int) -> None:
    head = b"GET / HTTP/1.1\r\nHost: t\r\nX: " + b"x" * (HEAD_BYTES_MAX + 70_000)
    assert await answer(port, head) == b"HTTP/1.1 431 Request Header Fields Too Large"
    large = b"x" * (HEAD_BYTES_MAX // 2)
    assert await answer(port, b"GET / HTTP/1.1\r\nHost: t\r\nX: " + large + b"\r\n\r\n") == (
        b"HTTP/1.1 200 OK"
    )


async def test_one_after_the_other_on_a_connection_counts_for_itself(port: int) -> None:
    one = b"GET / HTTP/1.1\r\nHost: t\r\nX: " + b"x" * (HEAD_BYTES_MAX // 2) + b"\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(4):
        writer.write(one)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        assert await reader.readline() == b"0\r\n"
        assert await reader.readline() == b"\r\n"
    writer.close()


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET / HT", b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\nhalf"],
    ids=["nothing", "half a head", "half a body"],
)
async def test_who_does_not_go_on_is_let_go(quick: int, sent: bytes) -> None:
    assert await answer(quick, sent) == b"HTTP/1.1 408 Request Timeout"


async def test_one_connection_too_many_is_told_to_come_again(quick: int) -> None:
    held = [await asyncio.open_connection("127.0.0.1", quick) for _ in range(3)]
    reader, writer = await asyncio.open_connection("127.0.0.1", quick)
    said = (await reader.read(200)).lower()
    assert said.startswith(b"http/1.1 503")
    assert b"retry-after: 1" in said
    for _, one in [*held, (reader, writer)]:
        one.close()


async def test_one_that_says_nothing_more_is_let_go_without_a_word(quick: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", quick)
    writer.write(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n")
    assert (await reader.read()).endswith(b"\r\n0\r\n\r\n")
    writer.close()


async def test_one_that_stops_in_the_middle_of_its_next_request_is_told(quick: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", quick)
    writer.write(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n")
    assert await reader.readuntil(b"\r\n0\r\n\r\n")
    writer.write(b"GET / HT")
    assert (await reader.read()).startswith(b"HTTP/1.1 408 Request Timeout")
    writer.close()


async def exchange(port: int, sent: bytes) -> bytes:
    """Return all that is said until the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    found = await reader.read()
    writer.close()
    return found


def whole(path: str, *, body: bool = True, close: bool = False) -> bytes:
    ending = b"connection: close\r\n" if close else b""
    said = path.encode()
    return (
        b"HTTP/1.1 202 Accepted\r\nx-said: x\r\n" + ending
        + b"content-length: %d\r\n\r\n" % len(said) + (said if body else b"")
    )  # fmt: skip


async def test_answers_in_one_piece_keep_their_order_and_the_last_one_closes(
    short_port: int,
) -> None:
    sent = (
        b"GET /a HTTP/1.1\r\nHost: t\r\n\r\n"
        b"HEAD /b HTTP/1.1\r\nHost: t\r\n\r\n"
        b"POST /c HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n\r\nhi"
        b"POST /d HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"
    )
    assert await exchange(short_port, sent) == (
        whole("/a") + whole("/b", body=False) + whole("/c") + whole("/d", close=True)
    )


async def test_an_answer_before_the_body_has_come_leaves_the_connection_usable(
    short_port: int,
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", short_port)
    writer.write(b"POST /at-once HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n\r\nha")
    assert await reader.readuntil(b"\r\n\r\n/at-once") == whole("/at-once")
    writer.write(b"lfGET /z HTTP/1.1\r\nHost: t\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n/z") == whole("/z")
    writer.close()


async def test_a_header_that_would_be_two_is_not_sent(short_port: int) -> None:
    sent = b"GET /split HTTP/1.0\r\n\r\n"
    found = await exchange(short_port, sent)
    assert found.startswith(b"HTTP/1.1 500 ")
    assert b"set-cookie" not in found
