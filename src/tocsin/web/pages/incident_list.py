"""Incidents: the list with its filters in the URL, and what can be done to many at once."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get, post
from litestar.params import QueryParameter
from litestar.response import Template
from msgspec import Struct

from tocsin.command import actions as commands
from tocsin.command import reads as command
from tocsin.command.core.status import ACTIVE
from tocsin.command.model import IncidentStatus
from tocsin.command.reads import IncidentFilter, Position
from tocsin.kernel.errors import Invalid, Refused
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Severity
from tocsin.oncall import actions as oncalls
from tocsin.topology.model import Catalogue
from tocsin.web.api import paging
from tocsin.web.forms import several, stay, text
from tocsin.web.pages.frame import Context, frame
from tocsin.web.pages.incidents import rows
from tocsin.web.units import AnAsking, AnyRequest

SHOWN = 50
MANY_MAX = 200
OVER = (IncidentStatus.RESOLVED, IncidentStatus.CLOSED)
STATUSES: dict[str, tuple[str, tuple[IncidentStatus, ...]]] = {
    "open": ("Open", tuple(sorted(ACTIVE))),
    "resolved": ("Resolved", OVER),
    "all": ("All", ()),
}
Word = Annotated[str, QueryParameter(max_length=200)]
Cursor = Annotated[str | None, QueryParameter(max_length=200)]


class Chosen(Struct, frozen=True, kw_only=True):
    """The filters as they stand in the URL; "" does not restrict."""

    status: str
    severity: str
    team: str
    service: str
    mine: bool
    text: str

    def url(self, **changed: str) -> str:
        """Return the address of this list with some filters changed."""
        now = {
            "status": self.status if self.status != "open" else "",
            "severity": self.severity,
            "team": self.team,
            "service": self.service,
            "mine": "1" if self.mine else "",
            "q": self.text,
        }
        query = urlencode({name: value for name, value in (now | changed).items() if value})
        return "/incidents" + (f"?{query}" if query else "")


class Tab(Struct, frozen=True):
    """One status that the list can be narrowed to."""

    label: str
    url: str
    is_here: bool


@get("/incidents")
async def incidents(  # noqa: PLR0913 - the filters
    asking: AnAsking,
    request: AnyRequest,
    *,
    status: Word = "open",
    severity: Word = "",
    team: Word = "",
    service: Word = "",
    mine: Word = "",
    q: Word = "",
    cursor: Cursor = None,
) -> Template:
    """Show the incidents that fit, newest first."""
    chosen = Chosen(
        status=status if status in STATUSES else "open",
        severity=severity if severity in Severity.__members__ else "",
        team=team,
        service=service,
        mine=bool(mine),
        text=q,
    )

    async def read(unit: Unit) -> Context:
        context = await frame(unit, request, page="incidents", title="Incidents")
        return context | await _list(unit, chosen, cursor)

    return Template("incidents.html", context=await asking.run(read))


async def _list(unit: Unit, chosen: Chosen, cursor: str | None) -> Context:
    start = paging.decode_as(cursor, tuple[datetime, UUID])
    found = await command.incident_list(
        unit,
        IncidentFilter(
            statuses=STATUSES[chosen.status][1],
            severities=(Severity[chosen.severity],) if chosen.severity else (),
            teams=(chosen.team,) if chosen.team else (),
            services=(chosen.service,) if chosen.service else (),
            mine=chosen.mine,
            text=chosen.text,
            before=Position(*start) if start else None,
            limit=SHOWN + 1,
        ),
    )
    part = found[:SHOWN]
    catalogue = unit.config(Catalogue)
    owners = {one.owner for one in catalogue.services.values() if one.owner}
    last = part[-1] if len(found) > SHOWN else None
    return {
        "incidents": await rows(unit, part),
        "chosen": chosen,
        "tabs": [
            Tab(label, chosen.url(status=id_ if id_ != "open" else ""), chosen.status == id_)
            for id_, (label, _) in STATUSES.items()
        ],
        "severities": _options("Any severity", list(Severity.__members__)),
        "teams": _options("Any team", sorted({*owners, *unit.actor.teams, chosen.team} - {""})),
        "services": _options(
            "Any service", sorted({*catalogue.services, chosen.service} - {""})
        ),
        "more": chosen.url(cursor=paging.encode((last.opened_at, last.id))) if last else None,
        "is_narrowed": chosen.url(status="") != "/incidents",
        "may": {
            "acknowledge": unit.actor.may("page:acknowledge"),
            "resolve": unit.actor.may("incident:respond"),
        },
    }


def _options(anything: str, names: list[str]) -> list[tuple[str, str]]:
    return [("", anything), *((name, name) for name in names)]


@post("/incidents/_many", status_code=303)
async def act_on_many(posting: AnAsking, request: AnyRequest) -> Response[Any]:
    """Acknowledge or resolve what is selected, one by one: what is refused stops nothing else.

    Raises the first refusal once the others are done.
    """
    form = await request.form()
    one = text(form, "one")  # the button of a single row
    verb = "acknowledge" if one else text(form, "verb")
    references = (one,) if one else several(form, "id")[:MANY_MAX]
    if verb not in VERBS:
        raise Invalid("choose acknowledge or resolve", field="verb")
    if not references:
        raise Invalid("select at least one incident", field="id")
    refusals: list[Refused] = []
    for reference in references:
        try:
            await posting.run(VERBS[verb](reference))
        except Refused as refused:
            refusals.append(refused)
    if refusals:
        raise refusals[0]
    return stay(request, "/incidents")


def _acknowledge(reference: str) -> Callable[[Unit], Awaitable[None]]:
    async def act(unit: Unit) -> None:
        incident = await command.incident(unit, reference)
        await oncalls.acknowledge_incident(unit, incident.id, channel="web")

    return act


def _resolve(reference: str) -> Callable[[Unit], Awaitable[None]]:
    async def act(unit: Unit) -> None:
        incident = await command.incident(unit, reference)
        await commands.resolve(unit, incident.id)

    return act


VERBS: Final = {"acknowledge": _acknowledge, "resolve": _resolve}
ROUTES: Final = (incidents, act_on_many)
