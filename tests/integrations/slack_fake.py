"""Slack on loopback: its Web API over HTTP and its Socket Mode over a real WebSocket."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

BOT, APP = "xoxb-bot-secret", "xapp-app-secret"


class SlackServer:
    """One workspace. `messages` are as they stand now, by channel and time stamp."""

    def __init__(self) -> None:
        self.api = ""
        self.socket_url = ""
        self.messages: dict[tuple[str, str], dict[str, Any]] = {}
        self.edits: list[dict[str, Any]] = []
        self.responses: list[dict[str, Any]] = []
        self.acknowledged: list[str] = []
        self.answers: list[
            tuple[int, dict[str, str], dict[str, Any]]
        ] = []  # instead, once each
        self.opened = 0
        self.connected = asyncio.Event()
        self._sockets: set[ServerConnection] = set()
        self._unacknowledged: dict[str, dict[str, Any]] = {}
        self._stamp = 1_774_612_800
        self._changed = asyncio.Condition()

    # what people do
    async def press(self, user: str, channel: str, ts: str, label: str) -> str:
        """Press a button of a message; return the envelope's id."""
        elements = [
            one for block in self.messages[channel, ts]["blocks"]
            if block["type"] == "actions" for one in block["elements"]
        ]  # fmt: skip
        (button,) = (one for one in elements if one["text"]["text"] == label)
        action = {"action_id": button["action_id"], "action_ts": self._next()}
        action |= {"value": button["value"]} if "value" in button else {}
        payload = {
            "type": "block_actions", "user": {"id": user},
            "container": {"type": "message", "message_ts": ts, "channel_id": channel},
            "actions": [action], "response_url": f"{self.api}response",
        }  # fmt: skip
        return await self.send("interactive", payload)

    async def command(self, user: str, text: str) -> str:
        """Type `/tocsin`."""
        payload = {
            "command": "/tocsin", "text": text, "user_id": user, "channel_id": "C9",
            "trigger_id": self._next(), "response_url": f"{self.api}response",
        }  # fmt: skip
        return await self.send("slash_commands", payload)

    async def write(self, user: str, channel: str, text: str, **more: str) -> str:
        """Write a message."""
        event = {"type": "message", "user": user, "channel": channel, "text": text,
                 "ts": self._next(), "channel_type": "channel"} | more  # fmt: skip
        return await self.send("events_api", {"type": "event_callback", "event": event})

    async def send(self, kind: str, payload: dict[str, Any]) -> str:
        """Send an envelope down the newest socket."""
        envelope_id = f"e{self._next()}"
        envelope = {"type": kind, "envelope_id": envelope_id, "payload": payload,
                    "accepts_response_payload": kind == "slash_commands"}  # fmt: skip
        self._unacknowledged[envelope_id] = envelope
        for socket in list(self._sockets):
            await socket.send(json.dumps(envelope))
        return envelope_id

    async def disconnect(self, reason: str) -> None:
        """Ask the client to come again, as Slack does every few hours."""
        for socket in list(self._sockets):
            await socket.send(json.dumps({"type": "disconnect", "reason": reason}))

    async def until(self, look: Callable[[], bool]) -> None:
        """Wait until something that arrived here is so."""
        async with asyncio.timeout(20), self._changed:
            await self._changed.wait_for(look)

    def _next(self) -> str:
        self._stamp += 1
        return f"{self._stamp}.000100"

    # the socket
    async def serve_socket(self, socket: ServerConnection) -> None:
        """Greet, send again what nobody acknowledged, and note acknowledgements."""
        await socket.send(json.dumps({"type": "hello", "num_connections": 1}))
        self._sockets.add(socket)
        self.connected.set()
        try:
            for envelope in list(self._unacknowledged.values()):
                await socket.send(json.dumps(envelope | {"retry_attempt": 1}))
            async for frame in socket:
                assert isinstance(frame, str)  # Slack reads text frames alone
                envelope_id = json.loads(frame)["envelope_id"]
                self._unacknowledged.pop(envelope_id, None)
                async with self._changed:
                    self.acknowledged.append(envelope_id)
                    self._changed.notify_all()
        finally:
            self._sockets.discard(socket)
            self.connected.clear()

    # the Web API
    async def serve_http(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer one request."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:
            writer.close()
            return
        first, *lines = head.split("\r\n")[:-2]
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        method = first.split(" ")[1].removeprefix("/api/")
        status, more, answer = 200, {}, self._answer(method, headers, body)
        if self.answers and method != "apps.connections.open":
            status, more, answer = self.answers.pop(0)
        async with self._changed:
            self._changed.notify_all()
        text = json.dumps(answer).encode()
        head_lines = [f"HTTP/1.1 {status} X", f"content-length: {len(text)}"]
        head_lines += [f"{name}: {value}" for name, value in more.items()]
        writer.write("\r\n".join([*head_lines, "", ""]).encode() + text)
        writer.close()

    def _answer(  # noqa: PLR0911 - one a method
        self, method: str, headers: dict[str, str], body: dict[str, Any]
    ) -> dict[str, Any]:
        if method == "response":
            self.responses.append(body)
            return {"ok": True}
        wanted = APP if method == "apps.connections.open" else BOT
        if headers.get("authorization") != f"Bearer {wanted}":
            return {"ok": False, "error": "invalid_auth"}
        match method:
            case "apps.connections.open":
                self.opened += 1
                return {"ok": True, "url": self.socket_url}
            case "conversations.open":
                if not body["users"].startswith("U"):
                    return {"ok": False, "error": "user_not_found"}
                return {"ok": True, "channel": {"id": "D" + body["users"][1:]}}
            case "chat.postMessage" if not self.answers:
                if body["channel"] == "CGONE":
                    return {"ok": False, "error": "channel_not_found"}
                ts = self._next()
                self.messages[body["channel"], ts] = body
                return {"ok": True, "channel": body["channel"], "ts": ts}
            case "chat.update" if (body["channel"], body["ts"]) in self.messages:
                self.messages[body["channel"], body["ts"]] |= body
                self.edits.append(body)
                return {"ok": True, "channel": body["channel"], "ts": body["ts"]}
        return {"ok": False, "error": "message_not_found"}

    def in_(self, channel: str) -> list[tuple[str, dict[str, Any]]]:
        """Return the messages of a channel with their time stamps, oldest first."""
        return [(ts, one) for (where, ts), one in self.messages.items() if where == channel]


@asynccontextmanager
async def slack_server() -> AsyncIterator[SlackServer]:
    """Run one."""
    found = SlackServer()
    http = await asyncio.start_server(found.serve_http, "127.0.0.1", 0)
    async with http, serve(found.serve_socket, "127.0.0.1", 0) as sockets:
        found.api = f"http://127.0.0.1:{http.sockets[0].getsockname()[1]}/api/"
        port = next(iter(sockets.sockets)).getsockname()[1]
        found.socket_url = f"ws://127.0.0.1:{port}/link/?ticket=t"
        yield found
