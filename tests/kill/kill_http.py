"""One HTTP connection with one request in flight, as a Prometheus keeps it."""

import asyncio
import re
from contextlib import suppress
from typing import Any

import msgspec
from msgspec import Struct

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_CLOSES = re.compile(rb"(?i)\r\nconnection: *close")
LOST = (OSError, EOFError, TimeoutError, ConnectionError)
"""What a request may end in when the server is killed under it."""


class Answer(Struct, frozen=True):
    status: int
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Wire:
    """A connection that is opened when it is needed and dropped after any failure."""

    def __init__(self, port: int, token: str = "", *, host: str = "127.0.0.1") -> None:
        self._port = port
        self._host = host
        self.token = token
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, method: str, path: str, body: object = None, *, limit_s: float = 20.0
    ) -> Answer:
        """Return the answer. Raises one of LOST when there is none."""
        try:
            async with asyncio.timeout(limit_s):
                return await self._ask(method, path, body)
        except BaseException:
            self.drop()
            raise

    async def _ask(self, method: str, path: str, body: object) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        content = b"" if body is None else msgspec.json.encode(body)
        writer.write(self._head(method, path, len(content)) + content)
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        content = await reader.readexactly(int(length[1])) if length else b""
        if _CLOSES.search(head):
            self.drop()
        return Answer(int(head[9:12]), content)

    async def follow(self, path: str) -> asyncio.StreamReader:
        """Ask for a stream that does not end, and return it after its first bytes."""
        self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        writer.write(self._head("GET", path, 0))
        head = await reader.readuntil(b"\r\n\r\n")
        if int(head[9:12]) != 200:
            raise AssertionError(head.decode())
        await reader.readline()
        return reader

    def drop(self) -> None:
        if self._streams is not None:
            with suppress(RuntimeError):
                self._streams[1].transport.abort()
            self._streams = None

    def _head(self, method: str, path: str, length: int) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", "host: tocsin", f"content-length: {length}"]
        lines += [f"authorization: Bearer {self.token}"] if self.token else []
        lines += ["content-type: application/json"] if length else []
        return "\r\n".join([*lines, "", ""]).encode()
