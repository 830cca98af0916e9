"""Post a page to an incoming webhook of Mattermost."""

import re

import msgspec

from tocsin.integrations.outbound import Outbound, deliver
from tocsin.oncall.ports import Outcome, Outgoing

TEXT_MAX = 4000
TITLE_MAX = 250
_RED = "#c9372c"
_MARKS = re.compile(r"([\\`*_{}\[\]()#+!|~<>-])")


class Mattermost:
    """Incoming webhooks: a post with a link. What is said below it nobody hears."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound

    async def send(self, message: Outgoing) -> Outcome:
        """Post once; Mattermost has no name for the post and knows no key."""
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Tocsin",
            "Idempotency-Key": "".join(s for s in message.key if " " < s < "\x7f")[:200],
        }
        body = msgspec.json.encode(_post(message))
        return await deliver(self._outbound, message.to, headers=headers, content=body)


def _post(message: Outgoing) -> dict[str, object]:
    title = plain(message.subject)[:TITLE_MAX]
    attachment: dict[str, object] = {
        "fallback": title,
        "title": title,
        "text": "\n".join(filter(None, (_quoted(message), _link(message)))),
    }
    if message.event == "page":
        attachment["color"] = _RED
    if message.link:
        attachment["title_link"] = message.link
    return {"attachments": [attachment]}


def _quoted(message: Outgoing) -> str:
    """Show the text as it is: nothing in it is a link, a heading or a mention."""
    text = "".join(sign for sign in message.text if sign.isprintable() or sign == "\n")
    kept = [
        line for line in text.splitlines() if not line.startswith(("Acknowledge:", "Incident:"))
    ]
    return plain("\n".join(kept).strip())[:TEXT_MAX]


def _link(message: Outgoing) -> str:
    return f"\n[Open in Tocsin]({message.link})" if message.link else ""


def plain(text: str) -> str:
    """Return a text in which Markdown finds no mark and `@` calls nobody."""
    text = text.encode("utf-8", "replace").decode()
    visible = "".join(sign for sign in text if sign.isprintable() or sign == "\n")
    return _MARKS.sub(r"\\\1", visible).replace("@", "@\u200b")
