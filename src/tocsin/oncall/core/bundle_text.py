"""The words of several pages that leave as one message."""

from collections.abc import Sequence

from msgspec import Struct

from tocsin.oncall.core.message import SUBJECT_MAX, Message
from tocsin.oncall.model import Brief

NAMED_MAX = 6


class Item(Struct, frozen=True):
    """One page of the message: its brief, redacted, and the link that acknowledges it alone."""

    brief: Brief
    ack_url: str


def compose_bundle(items: Sequence[Item], *, all_url: str, inbox_url: str) -> Message:
    """List the pages, each with its own link, and give one link for all of them."""
    named = [f"INC-{item.brief.number}" for item in items]
    more = len(named) - NAMED_MAX
    rest = f" and {more} more" if more > 0 else ""
    subject = f"{len(items)} pages: {', '.join(named[:NAMED_MAX])}{rest}"[:SUBJECT_MAX]
    lines = [subject, ""]
    for item in items:
        title = " ".join(item.brief.title.split())[:SUBJECT_MAX]
        lines.append(": ".join(filter(None, (f"INC-{item.brief.number}", title))))
        lines += [f"  Acknowledge: {item.ack_url}", ""]
    lines += [f"Acknowledge all {len(items)}: {all_url}", f"Your inbox: {inbox_url}"]
    return Message(subject, "\n".join(lines))
