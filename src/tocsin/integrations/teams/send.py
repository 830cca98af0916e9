"""Post a page to Microsoft Teams by a workflow that a webhook starts, as an Adaptive Card."""

import re

import msgspec

from tocsin.integrations.outbound import Outbound, deliver
from tocsin.oncall.ports import Outcome, Outgoing

TEXT_MAX = 8000  # a workflow takes 28 kB
TITLE_MAX = 250
_SCHEMA = "http://adaptivecards.io/schemas/adaptive-card.json"
_MARKS = re.compile(r"([\\`*_\[\]()#~<>-])")


class Teams:
    """Workflows of the kind "post to a channel when a webhook request is received"."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound

    async def send(self, message: Outgoing) -> Outcome:
        """Start the workflow once; it answers 202 before it has posted."""
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Tocsin",
            "Idempotency-Key": "".join(s for s in message.key if " " < s < "\x7f")[:200],
        }
        body = msgspec.json.encode(_request(message))
        return await deliver(self._outbound, message.to, headers=headers, content=body)


def _request(message: Outgoing) -> dict[str, object]:
    card: dict[str, object] = {
        "$schema": _SCHEMA,
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            {
                "type": "TextBlock",
                "text": plain(message.subject)[:TITLE_MAX],
                "weight": "Bolder",
                "size": "Medium",
                "wrap": True,
                "color": "Attention" if message.event == "page" else "Default",
            },
            {"type": "TextBlock", "text": _body(message), "wrap": True},
        ],
        "actions": _actions(message),
    }
    content = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [content]}


def _body(message: Outgoing) -> str:
    lines = (
        line
        for line in message.text.splitlines()
        if not line.startswith(("Acknowledge:", "Incident:"))
    )
    # in a card a line ends at two line feeds
    return plain("\n\n".join(line for line in lines if line.strip()))[:TEXT_MAX]


def _actions(message: Outgoing) -> list[dict[str, str]]:
    if not message.link:
        return []
    return [{"type": "Action.OpenUrl", "title": "Open in Tocsin", "url": message.link}]


def plain(text: str) -> str:
    """Return a text in which a card's Markdown finds no mark."""
    text = text.encode("utf-8", "replace").decode()
    visible = "".join(sign for sign in text if sign.isprintable() or sign == "\n")
    return _MARKS.sub(r"\\\1", visible)
