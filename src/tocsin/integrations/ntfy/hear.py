"""Hear the taps of phones: an ntfy topic that Tocsin reads, and phones write one-time words to."""

import re
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from msgspec import Struct

from tocsin.integrations.ntfy.send import authorization, server_and_topic
from tocsin.integrations.outbound import Blocked, Outbound, Unreachable
from tocsin.integrations.streams import lines
from tocsin.oncall.model import MethodKind
from tocsin.oncall.ports import Deaf, Ear, Said

IDLE_S = 120.0  # servers say that they are there every 45 s
LINE_MAX = 16_384
_ANSWER = re.compile(r"(ack) ([0-9a-f]{32})")


class _Line(Struct):
    id: str = ""
    event: str = ""
    message: str = ""


class NtfyReplies:
    """The topic of `TOCSIN_NTFY_REPLIES`, read as a stream; it goes on where it was broken off."""

    name = "ntfy"

    def __init__(self, outbound: Outbound, topic: str) -> None:
        """`topic` may carry a token or a password. Raises ValueError for what is no topic."""
        parts = urlsplit(topic)
        server, name = server_and_topic(parts)
        self._outbound = outbound
        self._url = f"{server}{quote(name, safe='')}/json"
        self._headers = {"User-Agent": "Tocsin", **authorization(parts, None)}

    async def listen(self, ear: Ear) -> None:
        """Read until the stream ends. Raises Deaf."""
        query = f"?{urlencode({'since': ear.position})}" if ear.position else ""
        try:
            async with lines(
                self._outbound, self._url + query, headers=self._headers,
                idle_s=IDLE_S, line_max=LINE_MAX,
            ) as found:  # fmt: skip
                async for line in found:
                    await self._take(ear, line)
        except (Blocked, Unreachable) as failed:
            raise Deaf(str(failed)) from None
        except TimeoutError:
            raise Deaf("the ntfy server cannot be reached") from None

    async def _take(self, ear: Ear, text: str) -> None:
        try:
            line = msgspec.json.decode(text, type=_Line)
        except (msgspec.DecodeError, msgspec.ValidationError):
            return
        if line.event == "open":
            await ear.connected()
        if line.event != "message" or not line.id:
            return
        answer = _ANSWER.fullmatch(line.message.strip())
        # nobody is there to be answered in words, so a tap counts however late it is heard
        if answer is not None:
            await ear.hear(
                Said(
                    kind=MethodKind.NTFY, id=line.id, sender="", text=answer[1],
                    is_direct=True, word=answer[2],
                )
            )  # fmt: skip
        await ear.keep(line.id)
