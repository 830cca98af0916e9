"""Publish a message to an ntfy topic: the last resort, and the sentinel's push to a phone."""

from base64 import b64encode
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

from tocsin.integrations.outbound import Outbound, deliver
from tocsin.oncall.ports import Outcome, Outgoing, PermanentFailure

MAX_TITLE = 250
MAX_MESSAGE = 3500  # ntfy turns more than 4,096 bytes into an attachment
MOST_URGENT = 5

_SCHEMES = {"ntfy": "https", "ntfys": "https", "ntfy+https": "https", "ntfy+http": "http"}


class Ntfy:
    """Topics as `ntfy://[user:password@]host[:port]/topic`, or `ntfy+http://` without TLS.

    An access token goes where the password would: `ntfy://:tk_...@host/topic`.
    """

    def __init__(self, outbound: Outbound, *, priority: int = MOST_URGENT) -> None:
        self._outbound = outbound
        self._priority = priority

    async def send(self, message: Outgoing) -> Outcome:
        """Publish once as JSON, so that no text of an alert becomes a header."""
        try:
            parts = urlsplit(message.to)
            server, topic = _server_and_topic(parts)
        except ValueError as error:
            return PermanentFailure(f"not an ntfy address: {error}", address_wrong=True)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Tocsin",
            "Idempotency-Key": "".join(s for s in message.key if " " < s < "\x7f")[:200],
            **_authorization(parts),
        }
        body = msgspec.json.encode(self._publication(message, topic))
        return await deliver(self._outbound, server, headers=headers, content=body)

    def _publication(self, message: Outgoing, topic: str) -> dict[str, object]:
        publication: dict[str, object] = {
            "topic": topic,
            "title": message.subject[:MAX_TITLE],
            "message": _cut(message.text),
            "priority": self._priority,
            "tags": ["rotating_light"],
        }
        if message.link:
            publication["click"] = message.link
        if message.ack_link:
            publication["actions"] = [
                {"action": "view", "label": "Acknowledge", "url": message.ack_link}
            ]
        return publication


def _server_and_topic(parts: SplitResult) -> tuple[str, str]:
    scheme = _SCHEMES.get(parts.scheme)
    path, _, topic = parts.path.rstrip("/").rpartition("/")
    if scheme is None or not parts.hostname or not topic:
        raise ValueError("it should look like ntfy://host/topic")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = f":{parts.port}" if parts.port else ""
    return f"{scheme}://{host}{port}{path}/", unquote(topic)


def _authorization(parts: SplitResult) -> dict[str, str]:
    if not parts.password:
        return {}
    user, password = unquote(parts.username or ""), unquote(parts.password)
    if not user:
        return {"Authorization": f"Bearer {''.join(s for s in password if ' ' < s < chr(127))}"}
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


def _cut(text: str) -> str:
    return text.encode()[:MAX_MESSAGE].decode("utf-8", "ignore")
