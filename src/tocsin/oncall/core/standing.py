"""How a page stands, in the one line that its messages are changed to say."""

from collections.abc import Callable
from uuid import UUID

from tocsin.oncall.model import MethodKind, Page, PageState

EDITED = frozenset({MethodKind.MATRIX, MethodKind.SLACK})
"""Kinds of methods whose messages can be changed once they are sent."""

CHAT = EDITED | {MethodKind.MATTERMOST, MethodKind.TEAMS}
"""Kinds where others may read along, so that no secret of one person is in a message."""


def standing(page: Page, name_of: Callable[[UUID], str]) -> str:
    """Say it, with the instant in UTC where there is one."""
    match page.state:
        case PageState.TRIGGERED | PageState.ESCALATING:
            return "Nobody has acknowledged yet."
        case PageState.ACKNOWLEDGED:
            who = page.acknowledged_via or "somebody"
            if page.acknowledged_by is not None:
                who = name_of(page.acknowledged_by)
            at = f" at {page.acknowledged_at:%H:%M} UTC" if page.acknowledged_at else ""
            return f"Acknowledged by {who}{at}. Nobody else is called."
        case PageState.SNOOZED:
            until = f" until {page.waits_until:%Y-%m-%d %H:%M} UTC" if page.waits_until else ""
            who = f" by {name_of(page.moved_by)}" if page.moved_by else ""
            return f"Snoozed{who}{until}."
        case PageState.HELD:
            until = f" until {page.waits_until:%Y-%m-%d %H:%M} UTC" if page.waits_until else ""
            return f"Not urgent: it calls nobody{until}."
        case PageState.RESOLVED:
            at = f" at {page.resolved_at:%H:%M} UTC" if page.resolved_at else ""
            return f"Over{at}: nobody is called any more."
