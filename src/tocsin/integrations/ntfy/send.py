"""Publish a message to an ntfy topic: pages with buttons, the last resort, the sentinel's push."""

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from urllib.parse import SplitResult, quote, unquote, urlsplit

import msgspec
from msgspec import Struct

from tocsin.integrations.outbound import Answer, Outbound, deliver
from tocsin.oncall.ports import Outcome, Outgoing, PermanentFailure

MAX_TITLE = 250
MAX_MESSAGE = 3500  # ntfy turns more than 4,096 bytes into an attachment
MOST_URGENT = 5
_TAGS = {"test": "test_tube", "code": "key"}

_SCHEMES = {
    "ntfy": "https",
    "ntfys": "https",
    "ntfy+https": "https",
    "ntfy+http": "http",
    "https": "https",
    "http": "http",
}


class Ntfy:
    """Topics as `https://host/topic`, or `ntfy://[user:password@]host[:port]/topic`.

    `ntfy+http://` does without TLS. An access token is the message's secret, or stands where
    the password would: `ntfy://:tk_...@host/topic`.
    """

    def __init__(
        self, outbound: Outbound, *, priority: int = MOST_URGENT, replies: str = ""
    ) -> None:
        """Let phones send what people tap to the topic `replies`. Raises ValueError."""
        self._replies = ""
        if replies:
            server, topic = server_and_topic(urlsplit(replies))
            self._replies = f"{server}{quote(topic, safe='')}"
        self._outbound = outbound
        self._priority = priority

    async def send(self, message: Outgoing) -> Outcome:
        """Publish once as JSON, so that no text of an alert becomes a header."""
        try:
            parts = urlsplit(message.to)
            server, topic = server_and_topic(parts)
        except ValueError as error:
            return PermanentFailure(f"not an ntfy address: {error}", address_wrong=True)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Tocsin",
            "Idempotency-Key": "".join(s for s in message.key if " " < s < "\x7f")[:200],
            **authorization(parts, message.secret),
        }
        body = msgspec.json.encode(self._publication(message, topic))
        return await deliver(self._outbound, server, headers=headers, content=body, read_id=_id)

    def _publication(self, message: Outgoing, topic: str) -> dict[str, object]:
        publication: dict[str, object] = {
            "topic": topic,
            "title": message.subject[:MAX_TITLE],
            "message": _cut(message.text),
            "priority": message.priority or self._priority,
            "tags": [_TAGS.get(message.event, "rotating_light")],
            # the same for every attempt: a server from 2.16 on shows two arrivals as one
            "sequence_id": sha256(message.key.encode("utf-8", "replace")).hexdigest()[:32],
        }
        if message.link:
            publication["click"] = message.link
        actions = list(self._actions(message))
        if actions:
            publication["actions"] = actions
        return publication

    def _actions(self, message: Outgoing) -> Iterator[dict[str, object]]:
        """Offer the buttons of a page: one that acknowledges where the phone lies, one that opens.

        With a topic for replies the phone needs to reach nothing but its ntfy server.
        """
        acknowledge = {
            "action": "http",
            "label": "Acknowledge",
            "method": "POST",
            "clear": True,
        }
        if message.word and self._replies:
            # it is for Tocsin alone: no other push service need carry it
            quiet = {"headers": {"Firebase": "no"}, "body": f"ack {message.word}"}
            yield {**acknowledge, "url": self._replies, **quiet}
        elif message.ack_link:
            yield {**acknowledge, "url": message.ack_link}
        if message.ack_link and message.link:
            yield {"action": "view", "label": "Open", "url": message.link}


def _id(answer: Answer) -> str:
    """Return the id that the server gave the message."""
    try:
        return msgspec.json.decode(answer.body, type=_Published).id
    except (msgspec.DecodeError, msgspec.ValidationError):
        return ""


class _Published(Struct):
    id: str = ""


def server_and_topic(parts: SplitResult) -> tuple[str, str]:
    """Return the server's URL and the topic's name. Raises ValueError for what names none."""
    scheme = _SCHEMES.get(parts.scheme)
    path, _, topic = parts.path.rstrip("/").rpartition("/")
    if scheme is None or not parts.hostname or not topic:
        raise ValueError("it should look like ntfy://host/topic")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = f":{parts.port}" if parts.port else ""
    return f"{scheme}://{host}{port}{path}/", unquote(topic)


def authorization(parts: SplitResult, token: str | None) -> dict[str, str]:
    """Return the header that lets in: a token, else what stands in the URL."""
    if token:
        return {"Authorization": f"Bearer {''.join(s for s in token if ' ' < s < chr(127))}"}
    if not parts.password:
        return {}
    user, password = unquote(parts.username or ""), unquote(parts.password)
    if not user:
        return {"Authorization": f"Bearer {''.join(s for s in password if ' ' < s < chr(127))}"}
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


def _cut(text: str) -> str:
    return text.encode()[:MAX_MESSAGE].decode("utf-8", "ignore")
