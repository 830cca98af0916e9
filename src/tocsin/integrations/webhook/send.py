"""Send a message as signed JSON to any URL."""

import hmac
from collections.abc import Callable
from datetime import datetime

import msgspec

from tocsin.integrations.outbound import Outbound, deliver
from tocsin.oncall.ports import Outcome, Outgoing


class Webhook:
    """HTTP callbacks; the receiver checks the signature and drops keys it has seen."""

    def __init__(self, outbound: Outbound, *, secret: str, now: Callable[[], datetime]) -> None:
        """`secret` signs messages that bring none of their own; empty means unsigned."""
        self._outbound = outbound
        self._secret = secret
        self._now = now

    async def send(self, message: Outgoing) -> Outcome:
        """POST once; 408, 425, 429 and 5xx may work later, any other refusal is final."""
        body = payload(message)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Tocsin",
            "Idempotency-Key": _header_safe(message.key),
        }
        secret = message.secret if message.secret is not None else self._secret
        if secret:
            headers["Tocsin-Signature"] = signature(
                body, secret=secret, timestamp=int(self._now().timestamp())
            )
        return await deliver(self._outbound, message.to, headers=headers, content=body)


def payload(message: Outgoing) -> bytes:
    """Encode the body; its fields are described in this folder's `doc.md`."""
    return msgspec.json.encode(
        {
            "version": "1",
            "event": message.event,
            "key": message.key,
            "subject": message.subject,
            "text": message.text,
            "incident": message.incident,
            "link": message.link,
            "ack_link": message.ack_link,
        }
    )


def signature(body: bytes, *, secret: str, timestamp: int) -> str:
    """Sign `<unix seconds>.<body>` with HMAC-SHA256: `t=...,v1=<hex>`."""
    signed = b"%d.%b" % (timestamp, body)
    digest = hmac.new(secret.encode(), signed, "sha256").hexdigest()
    return f"t={timestamp},v1={digest}"


def _header_safe(text: str) -> str:
    return "".join(sign for sign in text if " " < sign < "\x7f")[:200]
