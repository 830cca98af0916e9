"""The words of a page: short subject for a lock screen, full text for a mail; and their redaction."""

from collections.abc import Sequence
from typing import assert_never

from msgspec import Struct

from tocsin.oncall.core.audience import may_see, person_entry
from tocsin.oncall.model import Brief, CallReason, Method, MethodKind, Notification, Page, Show

SUBJECT_MAX = 160
LABELS_MAX = 20
VALUE_MAX = 300
RESTRICTED = "A restricted incident"
REASONS = {
    CallReason.REOPENED: "It had been over and is open again.",
    CallReason.ACK_EXPIRED: "It had been acknowledged, and that ran out without a resolve.",
    CallReason.SNOOZE_OVER: "It had been snoozed; that is over.",
    CallReason.REASSIGNED: "Somebody has reassigned it.",
    CallReason.HANDED_BACK: "Whoever had it has handed it back.",
    CallReason.ESCALATED: "Somebody has asked for the next step.",
    CallReason.RAISED: "It was not urgent before; now it is.",
}
"""Why a page calls again, as its messages say it."""


class Message(Struct, frozen=True):
    """What one person is told."""

    subject: str
    text: str


class Redaction(Struct, frozen=True):
    """How much may leave; `is_outsider`: to somebody who may not see the incident at all."""

    show: Show
    is_outsider: bool = False


def redaction(
    page: Page, method: Method, notification: Notification, roles: Sequence[str] = ()
) -> Redaction:
    """Say how much of a page this person may be told by this method.

    `roles` are further names under which the person may see what is restricted.
    """
    audience = (person_entry(notification.person_id), *roles)
    is_overheard = is_shared(method) and page.visible_to is not None
    if is_overheard or not may_see(page, audience):
        return Redaction(Show.REFERENCE, is_outsider=True)
    return Redaction(method.show)


def is_shared(method: Method) -> bool:
    """Say whether a method reaches a room or a channel, where others read along."""
    rooms = {
        MethodKind.MATRIX: ("!",),
        MethodKind.SLACK: ("C", "G"),
        MethodKind.MATTERMOST: ("http",),
        MethodKind.TEAMS: ("http",),
    }
    return method.address.startswith(rooms.get(method.kind, ("\0",)))


def redact(brief: Brief, found: Redaction) -> Brief:
    """Leave out what must not leave: a title alone carries no summary, no label and no URL."""
    match found.show:
        case Show.FULL:
            return brief
        case Show.TITLE:
            return Brief(number=brief.number, title=brief.title, summary="", labels={})
        case Show.REFERENCE:
            title = RESTRICTED if found.is_outsider else ""
            return Brief(number=brief.number, title=title, summary="", labels={})
        case _:
            assert_never(found.show)


def compose(
    brief: Brief, page: Page, notification: Notification, *, ack_url: str, incident_url: str
) -> Message:
    """Say what is wrong, who is asked for the how-manieth time, and how to take it."""
    title, opened = _line(brief.title), f"{page.opened_at:%Y-%m-%d %H:%M}"
    lines = [
        ": ".join(filter(None, (f"INC-{brief.number}", title))),
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
        f"You are called as {_rung(page, notification)}, open since {opened} UTC.",
        *([REASONS[page.called_for]] if page.called_for in REASONS else []),
        "Until somebody acknowledges, the policy calls the next person.",
    ]
    return Message(_subject(brief, title), "\n".join(lines))


def recompose(brief: Brief) -> Message:
    """Say once more what a page is about, for a message that is changed after it was sent."""
    title = _line(brief.title)
    lines = [
        *([_line(brief.summary)] if brief.summary else []),
        *_link("Runbook:", brief.runbook_url),
        *_link("Source:", brief.source_url),
        *(
            f"{_line(name)} = {_line(value)}"
            for name, value in sorted(brief.labels.items())[:LABELS_MAX]
        ),
    ]
    return Message(_subject(brief, title), "\n".join(lines))


def compose_test(number: int, *, inbox_url: str) -> Message:
    """Say that this is a test, and that nobody need do anything."""
    return Message(
        "[TEST] Tocsin can reach you here",
        "This is a test that you asked for: nothing is wrong.\n\n"
        f"A page would arrive like this one, by method {number} of yours.\n"
        f"Tocsin: {inbox_url}\n",
    )


def _subject(brief: Brief, title: str) -> str:
    if title == RESTRICTED:
        return f"{title}, INC-{brief.number}"
    return f"[INC-{brief.number}] {title or 'Somebody must answer'}"[:SUBJECT_MAX]


def _link(word: str, url: str) -> list[str]:
    safe = url.startswith(("https://", "http://"))
    return [f"{word} {_line(url)}"] if safe else []


def _line(text: str) -> str:
    """Keep a sender's text on its own line, or it could write lines of ours."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(plain.split())[:VALUE_MAX]


def _rung(page: Page, notification: Notification) -> str:
    if notification.catch:
        return f"the catch-all, call {notification.catch}"
    if page.assigned is not None and not notification.loop and not notification.step:
        return "the one to whom it was reassigned"
    if page.asked_person is not None and not notification.loop:
        return "the one whom somebody asked for"
    round_ = f", round {notification.loop + 1}" if notification.loop else ""
    return f"step {notification.step + 1}{round_}"
