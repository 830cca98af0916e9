"""An ntfy server on loopback: publish as JSON or as plain text, subscribe to a stream that does not end."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit


class NtfyServer:
    """Keeps what is published, and passes it on to who is subscribed. Reading needs `token`."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.url = ""
        self.messages: list[dict[str, Any]] = []
        self.subscribed = asyncio.Event()
        self._arrived = asyncio.Condition()
        self._streams: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:
            writer.close()
            return
        first, *lines = head.split("\r\n")[:-2]
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        method, target, _ = first.split(" ")
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        if method == "GET":
            with contextlib.suppress(asyncio.CancelledError):  # the server ends
                await self._stream(path, query, headers, writer)
        elif path == "/":
            await self._publish(writer, json.loads(body))
        else:
            await self._publish(writer, {"topic": path.strip("/"), "message": body.decode()})

    async def _publish(self, writer: asyncio.StreamWriter, found: dict[str, Any]) -> None:
        message = found | {
            "id": f"m{len(self.messages) + 1}", "time": 1_774_612_800, "event": "message",
        }  # fmt: skip
        async with self._arrived:
            self.messages.append(message)
            self._arrived.notify_all()
        body = json.dumps(message).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        writer.close()

    async def _stream(
        self,
        path: str,
        query: dict[str, list[str]],
        headers: dict[str, str],
        writer: asyncio.StreamWriter,
    ) -> None:
        if headers.get("authorization") != f"Bearer {self.token}":
            writer.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
            writer.close()
            return
        topic = path.strip("/").removesuffix("/json")
        since = query.get("since", [""])[0]
        ids = [one["id"] for one in self.messages]
        at = ids.index(since) + 1 if since in ids else len(ids)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n\r\n")
        writer.write(json.dumps({"id": "o", "event": "open", "topic": topic}).encode() + b"\n")
        self._streams.add(writer)
        self.subscribed.set()
        while not writer.is_closing():
            async with self._arrived:
                while len(self.messages) <= at:
                    await self._arrived.wait()
                new, at = self.messages[at:], len(self.messages)
            for one in new:
                if one["topic"] == topic:
                    writer.write(json.dumps(one).encode() + b"\n")

    def cut(self) -> None:
        """Break every stream off."""
        self.subscribed.clear()
        for writer in self._streams:
            writer.transport.abort()
        self._streams.clear()

    def on(self, topic: str) -> list[dict[str, Any]]:
        """Return what was published to a topic."""
        return [one for one in self.messages if one["topic"] == topic]


@asynccontextmanager
async def ntfy_server(token: str = "tk_reads") -> AsyncIterator[NtfyServer]:
    """Run one."""
    found = NtfyServer(token)
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield found
    finally:
        found.cut()
        server.close()
