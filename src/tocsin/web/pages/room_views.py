"""Who is on an incident, and what changed around its start, as the room shows it. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from tocsin.command.reads import Responder
from tocsin.kernel.durations import said
from tocsin.kernel.ids import PersonId
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import NotificationState, Page
from tocsin.oncall.reads import NotificationRow
from tocsin.topology.model import ChangeRecord


class PersonView(Struct, frozen=True, kw_only=True):
    """Somebody who works on an incident or was called for it."""

    name: str
    words: str
    state: str
    tone: str


class ChangeView(Struct, frozen=True, kw_only=True):
    """A deployment, a flag: how long before or after the start."""

    title: str
    words: str
    at: datetime
    icon: str
    url: str


def people_views(
    responders: Iterable[Responder],
    told: Iterable[NotificationRow],
    pages: Sequence[Page],
    *,
    directory: Directory,
    me: UUID | None,
) -> list[PersonView]:
    """Show who works on it first, then who was called and has not answered."""
    joined = {one.person_id: one.joined_at for one in responders}
    took = {page.acknowledged_by for page in pages if page.acknowledged_by}
    called: dict[UUID, datetime] = {}
    for one in told:
        if one.state is not NotificationState.SUPPRESSED:
            called.setdefault(one.person_id, one.queued_at)
    found = [
        _person(directory, person_id, me, took, f"Responder since {at:%H:%M}")
        for person_id, at in joined.items()
    ]
    return found + [
        _person(directory, person_id, me, took, f"Called at {at:%H:%M}")
        for person_id, at in called.items()
        if person_id not in joined
    ]


def _person(
    directory: Directory, person_id: UUID, me: UUID | None, took: set[PersonId], words: str
) -> PersonView:
    has_it = person_id in took
    state, tone = ("acked", "ok") if has_it else ("", "")
    if not has_it and words.startswith("Called"):
        state, tone = "called", "warn"
    if person_id == me:
        state, tone = ("you, acked" if has_it else "you"), "ok"
    return PersonView(name=directory.name_of(person_id), words=words, state=state, tone=tone)


def change_views(
    changes: Sequence[ChangeRecord] | None, opened_at: datetime
) -> list[ChangeView] | None:
    """Show changes in the order given."""
    if changes is None:
        return None
    return [
        ChangeView(
            title=one.summary,
            words=", ".join(
                filter(None, (_distance(one.at, opened_at), one.service, one.source))
            ),
            at=one.at,
            icon="rocket",
            url=one.links[0].url if one.links else "",
        )
        for one in changes
    ]


def _distance(at: datetime, opened_at: datetime) -> str:
    if at <= opened_at:
        return f"{said(opened_at - at)} before the start"
    return f"{said(at - opened_at)} after the start"
