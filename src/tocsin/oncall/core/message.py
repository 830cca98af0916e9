"""The words of a page: short subject for a lock screen, full text for a mail."""

from msgspec import Struct

from tocsin.oncall.model import Brief, Notification, Page

SUBJECT_MAX = 160
LABELS_MAX = 20
VALUE_MAX = 300


class Message(Struct, frozen=True):
    """What one person is told."""

    subject: str
    text: str


def compose(
    brief: Brief, page: Page, notification: Notification, *, ack_url: str, incident_url: str
) -> Message:
    """Say what is wrong, who is asked for the how-manieth time, and how to take it."""
    title = _line(brief.title)
    subject = f"[INC-{brief.number}] {title}"[:SUBJECT_MAX]
    lines = [
        f"INC-{brief.number}: {title}",
        "",
        *([_line(brief.summary), ""] if brief.summary else []),
        f"Acknowledge: {ack_url}",
        f"Incident:    {incident_url}",
        *_link("Runbook:    ", brief.runbook_url),
        *_link("Source:     ", brief.source_url),
        "",
        *(
            f"{_line(name)} = {_line(value)}"
            for name, value in sorted(brief.labels.items())[:LABELS_MAX]
        ),
        "",
        f"You are called as {_rung(notification)}, open since {page.opened_at:%Y-%m-%d %H:%M} UTC.",
        "Until somebody acknowledges, the policy calls the next person.",
    ]
    return Message(subject, "\n".join(lines))


def _link(word: str, url: str) -> list[str]:
    safe = url.startswith(("https://", "http://"))
    return [f"{word} {_line(url)}"] if safe else []


def _line(text: str) -> str:
    """Keep a sender's text on its own line, or it could write lines of ours."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(plain.split())[:VALUE_MAX]


def _rung(notification: Notification) -> str:
    if notification.catch:
        return f"the catch-all, call {notification.catch}"
    round_ = f", round {notification.loop + 1}" if notification.loop else ""
    return f"step {notification.step + 1}{round_}"
