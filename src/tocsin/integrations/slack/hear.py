"""Hear what people press and write in Slack, through a socket that Tocsin opens (Socket Mode)."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from tocsin.integrations.outbound import Blocked, Outbound, Unreachable, deliver, tls
from tocsin.integrations.slack import blocks
from tocsin.integrations.slack.api import Refusal, SlackApi
from tocsin.integrations.slack.envelope import Envelope, Told, read
from tocsin.integrations.streams import dial
from tocsin.kernel.logs import Log
from tocsin.oncall.ports import Deaf, Ear, Sent

ACK_S = 2.0  # Slack waits 3 s, then it sends the same again
FRAME_MAX = 1024 * 1024
AT_ONCE_MAX = 32
log = Log("slack")


class SlackSocket:
    """The app's socket; Slack asks for a new one every few hours, and gets it."""

    name = "slack"

    def __init__(self, outbound: Outbound, *, app: SlackApi, bot: SlackApi) -> None:
        """Connect as `app`, with the app-level token, and answer as `bot`."""
        self._outbound = outbound
        self._app = app
        self._bot = bot

    async def listen(self, ear: Ear) -> None:
        """Hand on what people say until the connection breaks. Raises Deaf."""
        try:
            while await self._connection(ear):
                log.info("socket.renewed")
        except Refusal as refusal:
            raise Deaf(str(refusal), retry_after_s=refusal.retry_after_s) from None
        except (Blocked, Unreachable) as failed:
            raise Deaf(str(failed)) from None
        except TimeoutError:
            raise Deaf("Slack's socket cannot be reached") from None
        except (WebSocketException, OSError) as broken:
            raise Deaf(f"the socket broke: {type(broken).__name__}") from None

    async def _connection(self, ear: Ear) -> bool:
        """Serve one connection; say whether Slack asked for another one."""
        url = (await self._app.call("apps.connections.open", {})).url
        parts = urlsplit(url)
        is_secure = parts.scheme == "wss"
        if not parts.hostname or parts.scheme not in {"ws", "wss"}:
            raise Deaf("Slack named no socket")
        sock = await dial(
            self._outbound, parts.hostname, parts.port or (443 if is_secure else 80)
        )
        secured: dict[str, Any] = {}
        if is_secure:
            secured = {"ssl": tls(), "server_hostname": parts.hostname}
        async with connect(
            url, sock=sock, proxy=None, max_size=FRAME_MAX, open_timeout=10, close_timeout=1,
            user_agent_header="Tocsin", **secured,
        ) as socket:  # fmt: skip
            return await self._serve(ear, socket)

    async def _serve(self, ear: Ear, socket: ClientConnection) -> bool:
        free = asyncio.Semaphore(AT_ONCE_MAX)
        try:
            async with asyncio.TaskGroup() as group:
                async for frame in socket:
                    envelope = _decoded(frame)
                    if envelope.type == "hello":
                        await ear.connected()
                    elif envelope.type == "disconnect":
                        if envelope.reason == "link_disabled":
                            raise Deaf("Socket Mode is turned off in the app's settings")
                        return True
                    elif envelope.envelope_id:
                        await free.acquire()
                        group.create_task(self._take(ear, socket, envelope, free))
        except BaseExceptionGroup as failed:
            raise _first_of(failed) from None
        return False

    async def _take(
        self, ear: Ear, socket: ClientConnection, envelope: Envelope, free: asyncio.Semaphore
    ) -> None:
        """Do what somebody says, and tell Slack that we have it: in time, and not before."""
        try:
            told = read(envelope)
            if told is None:
                await _acknowledge(socket, envelope)
                return
            async with asyncio.TaskGroup() as group:
                hearing = group.create_task(ear.hear(told.said))
                await asyncio.wait({hearing}, timeout=ACK_S)
                if not hearing.done() or hearing.exception() is None:
                    await _acknowledge(socket, envelope)
            words = hearing.result()
            if words:
                await self._answer(told, words)
        finally:
            free.release()

    async def _answer(self, told: Told, words: str) -> None:
        content = blocks.words(words)
        if told.response_url:
            body = {"response_type": "ephemeral", "replace_original": False, **content}
            outcome = await deliver(
                self._outbound, told.response_url,
                headers={"Content-Type": "application/json"},
                content=msgspec.json.encode(body),
            )  # fmt: skip
            if not isinstance(outcome, Sent):
                log.warning("answer.failed", reason=type(outcome).__name__)
            return
        if told.thread:
            content["thread_ts"] = told.thread
        try:
            await self._bot.call("chat.postMessage", {"channel": told.channel, **content})
        except Refusal as refusal:
            log.warning("answer.failed", reason=refusal.code)


async def _acknowledge(socket: ClientConnection, envelope: Envelope) -> None:
    try:
        await socket.send(msgspec.json.encode({"envelope_id": envelope.envelope_id}), text=True)
    except ConnectionClosed:  # it comes again by the next connection, and is heard once
        log.info("acknowledgement.lost")


def _decoded(frame: str | bytes) -> Envelope:
    try:
        return msgspec.json.decode(frame, type=Envelope)
    except (msgspec.DecodeError, msgspec.ValidationError):
        log.warning("envelope.unreadable")
        return Envelope()


def _first_of(failed: BaseException) -> BaseException:
    while isinstance(failed, BaseExceptionGroup):
        failed = failed.exceptions[0]
    return failed
