"""Incidents as screens show them: a row of Now, and the head of the incident's room. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict

from tocsin.command.model import Incident
from tocsin.kernel.access import Role, decide
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import Page, PageState
from tocsin.triage.model import Alert
from tocsin.web.pages.page_views import Forecast, forecast

NOBODY_KNOWN = "somebody with a token"
Waiting = Mapping[UUID, Sequence[tuple[str, datetime]]]


class Row(Struct, frozen=True, kw_only=True):
    """One incident in a list. `status` is its pages' word while they are open, else its own."""

    id: UUID
    number: str
    url: str
    title: str
    status: str
    severity: str | None
    urgency: str
    opened_at: datetime
    acknowledged_by: str | None
    alert_count: int
    page_state: str
    next_page_at: datetime | None
    next_page_to: str | None
    can_ack: bool
    can_resolve: bool


class Room(Row, frozen=True, kw_only=True):
    """The head of an incident's own page."""

    description: str
    resolved_at: datetime | None
    group_labels: tuple[tuple[str, str], ...]
    policy: str
    runbook_url: str


def row(
    incident: Incident,
    pages: Sequence[Page],
    *,
    waiting: Waiting,
    alert_count: int,
    directory: Directory,
    role: Role,
) -> Row:
    """Show one incident to somebody of this role."""
    awaited = _soonest(forecast(page, waiting.get(page.id, ()), directory) for page in pages)
    is_over = incident.resolved_at is not None
    return Row(
        id=incident.id,
        number=incident.reference,
        url=f"/incidents/{incident.reference}",
        title=incident.title,
        status=_status(incident, pages),
        severity=incident.severity.name if incident.severity else None,
        urgency=incident.urgency,
        opened_at=incident.opened_at,
        acknowledged_by=_acknowledged_by(pages, directory),
        alert_count=alert_count,
        page_state=_page_state(incident, pages),
        next_page_at=awaited.at if awaited else None,
        next_page_to=(awaited.people or None) if awaited else None,
        can_ack=any(page.is_open for page in pages) and decide(role, "page:acknowledge"),
        can_resolve=not is_over and decide(role, "incident:respond"),
    )


def room(
    shown: Row, incident: Incident, *, alerts: Sequence[Alert], directory: Directory
) -> Room:
    """Add to a row what only the incident's own page shows."""
    runbooks = (alert.annotations.get("runbook_url", "") for alert in alerts)
    return Room(
        **asdict(shown),
        description=incident.description,
        resolved_at=incident.resolved_at,
        group_labels=tuple(sorted(incident.labels.items())),
        policy=directory.policy(incident.policy).name,
        runbook_url=next(filter(None, runbooks), ""),
    )


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Put first what still calls people; inside that, leave the order."""
    calling = (PageState.ESCALATING, PageState.TRIGGERED)
    return sorted(rows, key=lambda one: one.status not in calling)


def _status(incident: Incident, pages: Sequence[Page]) -> str:
    if incident.resolved_at is not None:
        return incident.status
    states = {page.state for page in pages}
    for state in (PageState.ESCALATING, PageState.TRIGGERED, PageState.ACKNOWLEDGED):
        if state in states:
            return state
    return incident.status


def _acknowledged_by(pages: Sequence[Page], directory: Directory) -> str | None:
    taken = [page for page in pages if page.acknowledged_at is not None]
    if not taken or any(page.is_open for page in pages):
        return None
    by = taken[-1].acknowledged_by
    return directory.name_of(by) if by else NOBODY_KNOWN


def _page_state(incident: Incident, pages: Sequence[Page]) -> str:
    if any(page.is_open and page.unpageable for page in pages):
        return "UNPAGEABLE, reaches nobody"
    if any(page.is_open for page in pages):
        return "calling now"
    if incident.resolved_at is not None:
        return "over"
    if pages:
        return "acknowledged, nobody else is called"
    return "pages nobody"


def _soonest(found: Iterable[Forecast]) -> Forecast | None:
    calls = [(one.at, at, one) for at, one in enumerate(found) if one.is_call and one.at]
    return min(calls)[2] if calls else None
