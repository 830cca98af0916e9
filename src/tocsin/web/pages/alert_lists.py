"""What the alerts screen reads: the list under its filters, and one alert with its history."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from msgspec import Struct

from tocsin.command import reads as command
from tocsin.kernel import timeline
from tocsin.kernel.errors import Invalid, NotFound
from tocsin.kernel.events import Catalog
from tocsin.kernel.unit import Unit
from tocsin.oncall import reads as oncall
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import Page
from tocsin.topology.model import Catalogue
from tocsin.triage import reads as triage
from tocsin.triage.model import Alert, Group
from tocsin.web.alert_filters import AlertFilter, parsed
from tocsin.web.alert_filters import Asked as AskedFor
from tocsin.web.askers import askers
from tocsin.web.forecasts import forecast
from tocsin.web.pages.alert_views import alert_detail, group_views, paged_words
from tocsin.web.pages.timeline_views import entry_views
from tocsin.web.story import visible

GROUPS_SHOWN = 40
ALERTS_EACH = 3
ONE_GROUP = 200  # alerts shown of the only group
ENTRIES_SHOWN = 15
LATELY = timedelta(days=7)
WORDS = {
    AlertFilter.FIRING: "Firing",
    AlertFilter.RESOLVED: "Resolved",
    AlertFilter.ALL: "All",
}


class Chosen(Struct, frozen=True, kw_only=True):
    """The filters as they stand in the URL; "" does not restrict."""

    state: AlertFilter = AlertFilter.FIRING
    matchers: str = ""
    integration: str = ""
    team: str = ""
    service: str = ""
    incident: str = ""
    group: UUID | None = None
    text: str = ""
    alert: UUID | None = None

    def url(self, **changed: str) -> str:
        """Return the address of this list with some filters changed."""
        query = self.query(**changed)
        return "/alerts" + (f"?{query}" if query else "")

    def query(self, **changed: str) -> str:
        """Return the filters as they stand after the question mark."""
        found = {
            "show": "" if self.state is AlertFilter.FIRING else str(self.state),
            "filter": self.matchers,
            "integration": self.integration,
            "team": self.team,
            "service": self.service,
            "incident": self.incident,
            "group": str(self.group or ""),
            "q": self.text,
            "alert": str(self.alert or ""),
        }
        return urlencode({name: value for name, value in (found | changed).items() if value})

    @property
    def is_narrowed(self) -> bool:
        """Say whether anything but the state restricts the list."""
        return bool(self.query(show="", alert=""))


class Tab(Struct, frozen=True):
    """One state that the list can be narrowed to."""

    label: str
    url: str
    is_here: bool


def tabs(chosen: Chosen) -> list[Tab]:
    """Return the states, the present one marked."""
    return [
        Tab(
            words,
            chosen.url(show="" if state is AlertFilter.FIRING else str(state), cursor=""),
            chosen.state is state,
        )
        for state, words in WORDS.items()
    ]


async def gather(unit: Unit, chosen: Chosen, cursor: str) -> dict[str, Any]:
    """Read the list; a filter that cannot be read is said beside it, and nothing is listed."""
    problem = ""
    rows: list[tuple[triage.GroupRow, list[Alert]]] = []
    try:
        wanted = parsed(await _asked(unit, chosen), unit.config(Catalogue))
        before = UUID(cursor) if cursor else None
        each = ONE_GROUP if chosen.group else ALERTS_EACH
        rows = await triage.group_list(
            unit, wanted, limit=GROUPS_SHOWN + 1, each=each, before=before
        )
    except (Invalid, ValueError) as error:
        problem = error.detail if isinstance(error, Invalid) else "this is no part of the list"
    part = rows[:GROUPS_SHOWN]
    incidents = [row.incident_id for row, _ in part if row.incident_id]
    pages = await oncall.pages_of(unit, incidents) if unit.actor.may("page:read") else {}
    more = chosen.url(cursor=str(part[-1][0].id)) if len(rows) > GROUPS_SHOWN else None
    return {
        "groups": group_views(
            part,
            pages=pages,
            directory=unit.config(Directory),
        ),
        "problem": problem,
        "more": more,
        "firing_count": await triage.firing_count(unit),
        **await _choices(unit, chosen),
    }


async def _asked(unit: Unit, chosen: Chosen) -> AskedFor:
    group_ids: tuple[UUID, ...] | None = (chosen.group,) if chosen.group else None
    if chosen.incident:
        try:
            incident = await command.incident(unit, chosen.incident)
            found = await command.groups_of(unit, [incident.id])
            group_ids = tuple(found.get(incident.id, ()))
        except NotFound:
            group_ids = ()
    return AskedFor(
        state=chosen.state,
        matchers=(chosen.matchers,) if chosen.matchers else (),
        integration=chosen.integration,
        team=chosen.team,
        service=chosen.service,
        text=chosen.text,
        group_ids=group_ids,
    )


async def _choices(unit: Unit, chosen: Chosen) -> dict[str, Any]:
    catalogue = unit.config(Catalogue)
    owners = {one.owner for one in catalogue.services.values() if one.owner}
    senders = await triage.integrations(unit, unit.now - LATELY)
    return {
        "integrations": _options("Any integration", {*senders, chosen.integration}),
        "teams": _options("Any team", {*owners, *unit.actor.teams, chosen.team}),
        "may": {
            "acknowledge": unit.actor.may("page:acknowledge"),
            "resolve": unit.actor.may("alert:resolve"),
            "declare": unit.actor.may("incident:open"),
        },
    }


def _options(anything: str, names: set[str]) -> list[tuple[str, str]]:
    return [("", anything), *((name, name) for name in sorted(names - {""}))]


class Standing(Struct, frozen=True, kw_only=True):
    """The group an alert stands in, and what follows from it."""

    id: UUID
    title: str
    routes: tuple[str, ...]
    policies: tuple[str, ...]
    paged_words: str
    incident_number: str | None
    next_words: str
    next_at: Any


async def gather_detail(unit: Unit, catalog: Catalog, alert_id: UUID) -> dict[str, Any]:
    """Read one alert with its group, its incident, its pages and its history. Raises NotFound."""
    alert = await triage.alert(unit, alert_id)
    team = unit.config(Catalogue).team_of(alert.labels)
    shown = alert_detail(alert, can_resolve=unit.actor.may_on("alert:resolve", team))
    service = unit.config(Catalogue).of(alert.labels)
    found: dict[str, Any] = {
        "alert": shown,
        "standing": None,
        "history": [],
        "service": service.name if service else None,
        "team": team,
    }
    if alert.group_id is None:
        return found
    directory = unit.config(Directory)
    subjects = [alert.id, alert.group_id]
    entries = await timeline.about(
        unit, subjects, catalog=catalog, name=directory.name_of, asker=await askers(unit),
        limit=ENTRIES_SHOWN,
    )  # fmt: skip
    groups = await triage.groups(unit, [alert.group_id])
    return found | {
        "standing": await _standing(unit, groups[0]) if groups else None,
        "history": entry_views(await visible(unit, entries)),
    }


async def _standing(unit: Unit, group: Group) -> Standing:
    directory = await oncall.directory(unit)
    incidents = await command.incident_of(unit, [group.id])
    incident_id, number = incidents.get(group.id, (None, None))
    pages: list[Page] = []
    if incident_id is not None and unit.actor.may("page:read"):
        pages = (await oncall.pages_of(unit, [incident_id])).get(incident_id, [])
    waiting = await oncall.waiting_for(unit, pages) if pages else {}
    ahead = [forecast(page, waiting.get(page.id, ()), directory) for page in pages]
    timed = [one for one in ahead if one.at is not None]
    soonest = min(timed, key=lambda one: one.at or unit.now, default=None)
    is_waiting = group.state == "waiting"
    return Standing(
        id=group.id,
        title=group.title,
        routes=group.routes or (group.route,),
        policies=tuple(directory.policy(name).name for name in group.paged_policies),
        paged_words=paged_words(
            pages, directory, urgent=group.urgency == "high",
            waits_until=group.due_at if is_waiting else None,
        ),
        incident_number=f"INC-{number}" if number else None,
        next_words=soonest.words if soonest else "",
        next_at=soonest.at if soonest else None,
    )  # fmt: skip
