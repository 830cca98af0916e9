"""Who may see a page: everyone, or only those whom a restricted incident names."""

from collections.abc import Sequence
from uuid import UUID

from tocsin.oncall.model import Page

ENTRIES_MAX = 200  # as many as an incident may name


def may_see(page: Page, audience: Sequence[str] | None) -> bool:
    """Say whether one of the names in `audience` is among those it is shown to (None: all)."""
    if audience is None or page.visible_to is None:
        return True
    return not set(audience).isdisjoint(page.visible_to)


def person_entry(person_id: UUID) -> str:
    """Return the name under which one person is shown something restricted."""
    return f"person:{person_id}"
