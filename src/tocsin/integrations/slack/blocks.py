"""Pages as Slack's blocks, with buttons while they wait for an answer."""

from typing import Any

TEXT_MAX = 2900
SUBJECT_MAX = 250
FALLBACK_MAX = 3000


def page(
    subject: str,
    text: str,
    *,
    link: str,
    incident: str,
    standing: str = "",
    is_open: bool = True,
) -> dict[str, Any]:
    """Return `text` and `blocks` of a message; no text of an alert can mention or link."""
    subject, text = _clean(subject)[:SUBJECT_MAX] or "Somebody must answer", _clean(text)
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": f"*{_escaped(subject)}*"}}
    ]
    if standing:
        words = {"type": "mrkdwn", "text": _escaped(_clean(standing))[:TEXT_MAX]}
        blocks.append({"type": "context", "elements": [words]})
    if text.strip():
        blocks.append({"type": "section", "text": _plain(text[:TEXT_MAX])})
    buttons = _buttons(link, incident, is_open=is_open)
    if buttons:
        blocks.append({"type": "actions", "elements": buttons})
    fallback = ". ".join(part for part in (subject, _clean(standing)) if part)
    return {"text": _escaped(fallback)[:FALLBACK_MAX], "blocks": blocks}


def words(text: str) -> dict[str, Any]:
    """Return an answer in words."""
    return {"text": _escaped(_clean(text))[:FALLBACK_MAX], "mrkdwn": False}


def _buttons(link: str, incident: str, *, is_open: bool) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if is_open and incident:
        found = [
            {**_button("Acknowledge", "ack"), "value": f"ack {incident}", "style": "primary"},
            {**_button("Escalate", "escalate"), "value": f"escalate {incident}"},
            {**_button("Snooze 1 h", "snooze"), "value": f"snooze {incident} 1h"},
        ]
    if link.startswith(("https://", "http://")):
        found.append({**_button("Open", "open"), "url": link})
    return found


def _button(label: str, action: str) -> dict[str, Any]:
    return {"type": "button", "action_id": f"tocsin_{action}", "text": _plain(label)}


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _clean(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode()
