"""Incidents as screens show them: a row of a list, and the head of the incident's room. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from tocsin.command.core.status import is_over
from tocsin.command.model import Calling, Incident, IncidentStatus
from tocsin.command.reads import IncidentRow
from tocsin.kernel.actor import Actor
from tocsin.kernel.durations import said
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import Page, PageState
from tocsin.triage.model import Alert
from tocsin.web.forecasts import Forecast, forecast
from tocsin.web.takers import taker

Waiting = Mapping[UUID, Sequence[tuple[str, datetime]]]
_CALLING = {Calling.UNPAGEABLE: "UNPAGEABLE, nobody answers", Calling.CALLING: "calling now"}

_WAITING = {
    Calling.SNOOZED: "snoozed, nobody is called",
    Calling.HELD: "held until its hours come",
}


class Row(Struct, frozen=True, kw_only=True):
    """One incident in a list. `status` is its pages' word while they call, else its own."""

    id: UUID
    number: str
    url: str
    title: str
    status: str
    severity: str | None
    priority: str | None
    urgency: str
    opened_at: datetime
    resolved_at: datetime | None
    acknowledged_by: str | None
    alert_count: int
    firing_count: int
    where: str
    restricted: bool
    page_state: str
    next_page_at: datetime | None
    next_page_to: str | None
    can_ack: bool


class Room(Struct, frozen=True, kw_only=True):
    """The head of an incident's own page.

    `can` are the verbs that are offered; `pages_again`: the next page comes although somebody has
    acknowledged, unless the incident ends before.
    """

    id: UUID
    number: str
    url: str
    title: str
    description: str
    status: str
    severity: str | None
    priority: str | None
    urgency: str
    opened_at: datetime
    resolved_at: datetime | None
    acknowledged_by: str | None
    acknowledged_after: str | None
    alert_count: int
    firing_count: int
    group_count: int
    page_state: str
    next_page_at: datetime | None
    next_page_to: str | None
    pages_again: bool
    group_labels: tuple[tuple[str, str], ...]
    policy: str
    team: str | None
    services: tuple[str, ...]
    runbook_url: str
    seen_by: str
    merged_into: str | None
    can: frozenset[str]


class Counts(Struct, frozen=True):
    """How many groups of alerts stand in an incident, and how many alerts in those."""

    groups: int
    alerts: int
    firing: int


def row(
    found: IncidentRow, ahead: Iterable[Forecast], *, directory: Directory, actor: Actor
) -> Row:
    """Show one incident to this actor; `ahead` is what its pages wait for, where that is shown."""
    awaited = soonest(ahead)
    over = found.resolved_at is not None
    calls = not over and found.calling in _CALLING
    by = None
    if found.calling is Calling.ACKNOWLEDGED:
        by = taker(found.acknowledged_by, found.acknowledged_via, directory)
    return Row(
        id=found.id,
        number=found.reference,
        url=f"/incidents/{found.reference}",
        title=found.title,
        status=shown_status(found),
        severity=found.severity.name if found.severity else None,
        priority=found.priority,
        urgency=found.urgency,
        opened_at=found.opened_at,
        resolved_at=found.resolved_at,
        acknowledged_by=by,
        alert_count=found.alert_count,
        firing_count=found.firing_count,
        where=", ".join(found.services) or found.team or "",
        restricted=found.restricted,
        page_state=_row_page_state(found, over=over),
        next_page_at=awaited.at if awaited else None,
        next_page_to=(awaited.people or None) if awaited else None,
        can_ack=calls and actor.may_on("page:acknowledge", found.team),
    )


def shown_status(found: IncidentRow) -> str:
    """Return the word that every list says of an incident: of its pages while they call."""
    if found.merged_into is not None:
        return "merged"
    if found.resolved_at is not None:
        return found.status
    if found.calling in _CALLING:
        return found.calling
    if found.calling is Calling.ACKNOWLEDGED and found.status is IncidentStatus.INVESTIGATING:
        return "acknowledged"
    return found.status


def _row_page_state(found: IncidentRow, *, over: bool) -> str:
    if over:
        return "over"
    if found.calling is Calling.ACKNOWLEDGED:
        return "acknowledged, nobody else is called"
    return {**_CALLING, **_WAITING}.get(found.calling, "pages nobody")


def room(  # noqa: PLR0913 - what an incident is made of
    incident: Incident,
    pages: Sequence[Page],
    *,
    waiting: Waiting,
    counts: Counts,
    alerts: Sequence[Alert],
    directory: Directory,
    merged_into: str | None,
    actor: Actor,
    may_take: bool = False,
) -> Room:
    """Show an incident's head to this actor; `may_take`: they were called for it themselves."""
    ahead = [forecast(page, waiting.get(page.id, ()), directory) for page in pages]
    calls = any(page.is_open for page in pages)
    awaited = soonest(ahead) or (None if calls else soonest(ahead, again=True))
    taken = _taken(pages)
    runbooks = (alert.annotations.get("runbook_url", "") for alert in alerts)
    return Room(
        id=incident.id,
        number=incident.reference,
        url=f"/incidents/{incident.reference}",
        title=incident.title,
        description=incident.description,
        status="merged" if merged_into else _room_status(incident, pages),
        severity=incident.severity.name if incident.severity else None,
        priority=incident.priority,
        urgency=incident.urgency,
        opened_at=incident.opened_at,
        resolved_at=incident.resolved_at,
        acknowledged_by=_name_of_taker(taken, directory) if taken else None,
        acknowledged_after=_after(taken) if taken else None,
        alert_count=counts.alerts,
        firing_count=counts.firing,
        group_count=counts.groups,
        page_state=_room_page_state(incident, pages),
        next_page_at=awaited.at if awaited else None,
        next_page_to=(awaited.people or None) if awaited else None,
        pages_again=awaited is not None and not awaited.is_call,
        group_labels=tuple(sorted(incident.labels.items())),
        policy=directory.policy(incident.policy).name if pages else incident.policy,
        team=incident.team,
        services=incident.services,
        runbook_url=next(filter(None, runbooks), ""),
        seen_by=audience_words(incident.visible_to, directory),
        merged_into=merged_into,
        can=verbs(incident, pages, actor, may_take=may_take),
    )


def verbs(
    incident: Incident, pages: Sequence[Page], actor: Actor, *, may_take: bool = False
) -> frozenset[str]:
    """Name what this actor is offered in the room, by the words of incident_head.html."""
    over, merged = is_over(incident), incident.merged_into is not None
    calls = any(page.is_open or page.state is PageState.HELD for page in pages)
    goes_on = any(page.state is not PageState.RESOLVED for page in pages)
    states = {page.state for page in pages}
    taken = not calls and not states.isdisjoint((PageState.ACKNOWLEDGED, PageState.SNOOZED))
    offers = {
        "acknowledge": (calls or PageState.SNOOZED in states, "page:acknowledge"),
        "escalate": (calls, "page:escalate"),
        "snooze": (goes_on, "page:snooze"),
        "reassign": (goes_on, "page:reassign"),
        "hand-back": (taken, "page:reassign"),
        "page": (not over, "page:request"),
        "update": (not merged, "incident:respond"),
        "resolve": (not over, "incident:respond"),
        "reopen": (over and not merged, "incident:respond"),
        "note": (True, "incident:respond"),
        "restrict": (True, "incident:restrict"),
    }
    found = {
        name
        for name, (fits, verb) in offers.items()
        if fits and actor.may_on(verb, incident.team)
    }
    return frozenset(found | ({"acknowledge"} if calls and may_take else set()))


def audience_words(names: Sequence[str] | None, directory: Directory) -> str:
    """Say who sees something restricted; "" for everybody."""
    if names is None:
        return ""
    said = []
    for name in names:
        kind, _, rest = name.partition(":")
        said.append(directory.name_of(UUID(rest)) if kind == "person" else f"every {rest}")
    return f"Seen by {', '.join(said)}"


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Put first what still calls people; inside that, leave the order."""
    return sorted(rows, key=lambda one: one.status not in (Calling.UNPAGEABLE, Calling.CALLING))


def soonest(found: Iterable[Forecast], *, again: bool = False) -> Forecast | None:
    """Return the next call, if any is to come; `again`: the next that only an ended incident stops."""
    calls = [
        (one.at, at, one) for at, one in enumerate(found) if one.is_call != again and one.at
    ]
    return min(calls)[2] if calls else None


def _taken(pages: Sequence[Page]) -> Page | None:
    if any(page.is_open for page in pages):
        return None
    return next((page for page in reversed(pages) if page.acknowledged_at is not None), None)


def _name_of_taker(page: Page, directory: Directory) -> str:
    return taker(page.acknowledged_by, page.acknowledged_via, directory)


def _after(page: Page) -> str | None:
    if page.acknowledged_at is None or page.retriggers:
        return None
    return said(page.acknowledged_at - page.opened_at)


def _room_status(incident: Incident, pages: Sequence[Page]) -> str:
    if incident.resolved_at is not None:
        return incident.status
    states = {page.state for page in pages}
    for state in (PageState.ESCALATING, PageState.TRIGGERED):
        if state in states:
            return state
    if PageState.ACKNOWLEDGED in states and incident.status is IncidentStatus.INVESTIGATING:
        return PageState.ACKNOWLEDGED
    return incident.status


def _room_page_state(incident: Incident, pages: Sequence[Page]) -> str:
    if any(page.is_open and page.unpageable for page in pages):
        return "UNPAGEABLE, nobody answers"
    if any(page.is_open for page in pages):
        return "calling now"
    if incident.resolved_at is not None:
        return "over"
    states = {page.state for page in pages}
    if PageState.ACKNOWLEDGED not in states:
        for state in (PageState.SNOOZED, PageState.HELD):
            if state in states:
                return _WAITING[Calling(state)]
    return "acknowledged, nobody else is called" if pages else "pages nobody"
