"""Connections that stay open keep the rules of single requests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sender_rigs import LOOPBACK

from tocsin.integrations.ntfy.hear import NtfyReplies
from tocsin.integrations.outbound import Blocked, Outbound, Unreachable
from tocsin.integrations.slack.api import SlackApi
from tocsin.integrations.slack.hear import SlackSocket
from tocsin.integrations.streams import dial, lines
from tocsin.oncall.ports import Deaf, Said

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


@asynccontextmanager
async def talker(*parts: bytes) -> AsyncIterator[str]:
    """Say all of it to whoever asks, and then nothing more."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
            await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/topic"


async def read(url: str, *, count: int, idle_s: float = 5, line_max: int = 100) -> list[str]:
    found = []
    outbound = Outbound(allowed=LOOPBACK)
    async with lines(outbound, url, headers={}, idle_s=idle_s, line_max=line_max) as given:
        async for line in given:
            found.append(line)
            if len(found) == count:
                break
    return found


async def test_lines_come_as_they_are_written_however_they_are_cut() -> None:
    async with talker(HEAD, b'{"a":1}\n{"b', b'":2}\n', b"rest") as url:
        assert await read(url, count=2) == ['{"a":1}', '{"b":2}']


async def test_silence_a_refusal_and_a_line_without_an_end_break_it_off() -> None:
    async with talker(HEAD, b"one\n") as url:
        with pytest.raises(Unreachable):
            await read(url, count=2, idle_s=0.1)
    async with talker(b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n") as url:
        with pytest.raises(Unreachable, match="403"):
            await read(url, count=1)
    async with talker(HEAD, b"x" * 1000) as url:
        with pytest.raises(Unreachable, match="more than 100"):
            await read(url, count=1)


async def test_no_connection_leads_into_the_network_it_runs_in() -> None:
    async with talker(HEAD) as url:
        port = int(url.rpartition(":")[2].partition("/")[0])
        with pytest.raises(Blocked):
            await dial(Outbound(), "127.0.0.1", port)
        with pytest.raises(Blocked):
            async with lines(Outbound(), url, headers={}, idle_s=1, line_max=9):
                pass
        with pytest.raises(Deaf, match="not a public address"):
            await NtfyReplies(Outbound(), url).listen(Nobody())
        api = SlackApi(Outbound(), base=url, token="t")
        with pytest.raises(Deaf, match="not a public address"):
            await SlackSocket(Outbound(), app=api, bot=api).listen(Nobody())


class Nobody:
    """An ear that is never reached."""

    position = ""

    async def connected(self) -> None:
        raise AssertionError

    async def hear(self, said: Said) -> str:
        raise AssertionError(said)

    async def keep(self, position: str) -> None:
        raise AssertionError(position)
