"""Pages and answers as the content of Matrix messages; untrusted text stays text."""

from html import escape
from typing import Any

BODY_MAX = 8000


def page(  # noqa: PLR0913 - what a message is made of
    subject: str,
    text: str,
    *,
    link: str,
    incident: str,
    standing: str = "",
    mention: str = "",
    root: str = "",
) -> dict[str, Any]:
    """Say a page; with `root` in its thread. `mention` is who is to be notified."""
    text = _clean(text)[:BODY_MAX]
    parts = [part for part in (_clean(subject), _clean(standing), text) if part]
    marked = [f"<strong>{escape(parts[0])}</strong>" if parts else ""]
    if standing:
        marked.append(f"<em>{escape(_clean(standing))}</em>")
    marked.append(escape(text).replace("\n", "<br>"))
    if link.startswith(("https://", "http://")):
        marked.append(f'<a href="{escape(link, quote=True)}">{escape(incident or link)}</a>')
    content: dict[str, Any] = {
        "msgtype": "m.text",
        "body": "\n\n".join(parts),
        "format": "org.matrix.custom.html",
        "formatted_body": "<br>".join(part for part in marked if part),
        "m.mentions": {"user_ids": [mention]} if mention else {},
    }
    if root:
        content["m.relates_to"] = thread(root, root)
    return content


def changed(event_id: str, content: dict[str, Any]) -> dict[str, Any]:
    """Say that a message reads `content` from now on; nobody is notified again."""
    new = {name: value for name, value in content.items() if name != "m.relates_to"}
    new["m.mentions"] = {}
    return {
        **new,
        "body": f"* {new['body']}",
        "formatted_body": f"* {new['formatted_body']}",
        "m.new_content": new,
        "m.relates_to": {"rel_type": "m.replace", "event_id": event_id},
    }


def notice(words: str, *, to_event: str, root: str = "") -> dict[str, Any]:
    """Answer a message, in its thread where it stands in one; bots do not answer notices."""
    content: dict[str, Any] = {
        "msgtype": "m.notice",
        "body": _clean(words)[:BODY_MAX],
        "m.mentions": {},
        "m.relates_to": {"m.in_reply_to": {"event_id": to_event}},
    }
    if root:
        content["m.relates_to"] = thread(root, to_event)
    return content


def thread(root: str, to_event: str) -> dict[str, Any]:
    """Put a message into the thread that begins with `root`."""
    return {
        "rel_type": "m.thread",
        "event_id": root,
        "is_falling_back": True,
        "m.in_reply_to": {"event_id": to_event},
    }


def _clean(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode()
