"""The words of a page: short subject for a lock screen, full text for a mail."""

from msgspec import Struct

from tocsin.oncall.model import Brief, Notification, Page

SUBJECT_MAX = 160
LABELS_MAX = 20


class Message(Struct, frozen=True):
    """What one person is told."""

    subject: str
    text: str


def compose(
    brief: Brief, page: Page, notification: Notification, *, ack_url: str, incident_url: str
) -> Message:
    """Say what is wrong, who is asked for the how-manieth time, and how to take it."""
    subject = f"[INC-{brief.number}] {brief.title}"[:SUBJECT_MAX]
    lines = [
        f"INC-{brief.number}: {brief.title}",
        "",
        *([brief.summary, ""] if brief.summary else []),
        f"Acknowledge: {ack_url}",
        f"Incident:    {incident_url}",
        *([f"Runbook:     {brief.runbook_url}"] if brief.runbook_url else []),
        *([f"Source:      {brief.source_url}"] if brief.source_url else []),
        "",
        *(f"{name} = {value}" for name, value in sorted(brief.labels.items())[:LABELS_MAX]),
        "",
        f"You are called as {_rung(notification)}, open since {page.opened_at:%Y-%m-%d %H:%M} UTC.",
        "Until somebody acknowledges, the policy calls the next person.",
    ]
    return Message(subject, "\n".join(lines))


def _rung(notification: Notification) -> str:
    if notification.catch:
        return f"the catch-all, call {notification.catch}"
    round_ = f", round {notification.loop + 1}" if notification.loop else ""
    return f"step {notification.step + 1}{round_}"
