"""Incidents over JSON: list, declare, show, edit, timeline, acknowledge."""

from collections.abc import Sequence
from typing import Annotated

from litestar import Response, get, patch, post
from litestar.openapi.spec import Example
from litestar.params import Body, HeaderParameter, QueryParameter

import tocsin.command.actions as command
import tocsin.oncall.actions as oncall
from tocsin.command import reads as incidents
from tocsin.command.core.audience import names_of
from tocsin.command.core.status import ACTIVE
from tocsin.command.model import Incident, IncidentStatus, Opening
from tocsin.command.reads import IncidentFilter, IncidentRow, Position
from tocsin.kernel.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionFailed
from tocsin.kernel.ids import GroupId
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Severity
from tocsin.oncall.core.config import Directory
from tocsin.topology.model import Catalogue
from tocsin.web.api import paging
from tocsin.web.api.etags import etag
from tocsin.web.api.incident_asking import (
    Reference,
    answer,
    change,
    on,
    person_ids,
)
from tocsin.web.api.incident_detail import incident_detail
from tocsin.web.api.incident_shapes import (
    Edit,
    IncidentDetail,
    IncidentList,
    NewIncident,
    Restriction,
    row_shape,
)
from tocsin.web.api.oncall import page_shape
from tocsin.web.api.page_shapes import Acknowledged
from tocsin.web.api.paging import LIMIT, CursorText, Limit
from tocsin.web.api.shapes import (
    IncidentShape,
    Timeline,
    entry_shape,
    incident_shape,
    problems,
)
from tocsin.web.opening import require_groups
from tocsin.web.story import Kinds, story
from tocsin.web.units import AnAsking, AnyRequest

Channel = Annotated[
    str | None,
    HeaderParameter(
        name="x-tocsin-channel",
        description="By what the person acts: `api` or `cli`; it stands in the timeline.",
    ),
]
# Litestar keeps some names for itself, and a list of values needs one in the plural
Statuses = Annotated[
    list[str] | None,
    QueryParameter(
        name="status",
        max_items=10,
        description="`open` (the default), `all`, or the stages of the response wanted.",
        examples=[Example(value=["investigating", "mitigated"])],
    ),
]
Severities = Annotated[
    list[Severity] | None,
    QueryParameter(name="severity", max_items=5, description="1 is worst."),
]
Team = Annotated[list[str] | None, QueryParameter(name="team", max_items=50)]
Service = Annotated[list[str] | None, QueryParameter(name="service", max_items=50)]
Mine = Annotated[
    bool, QueryParameter(description="Only those that I work on, or whose page I have taken.")
]
Text = Annotated[
    str,
    QueryParameter(
        name="q",
        max_length=500,
        description='Words, "phrases", OR, -not; INC-12 finds that one.',
    ),
]
Taken = Annotated[
    bool | None, QueryParameter(description="Whether somebody has taken its page.")
]
ToDeclare = Annotated[
    NewIncident,
    Body(
        examples=[
            Example(
                summary="an urgent one that pages by the default policy",
                value={"title": "Checkout is slow for everybody", "severity": 2, "policy": ""},
            )
        ]
    ),
]
ToEdit = Annotated[
    Edit, Body(examples=[Example(value={"title": "Checkout is down in Frankfurt"})])
]
OPEN, ALL = "open", "all"


def wanted_statuses(values: list[str] | None) -> tuple[IncidentStatus, ...]:
    """Read which stages are wanted; none: any. Raises Invalid."""
    found: list[IncidentStatus] = []
    for value in values or [OPEN]:
        if value == ALL:
            return ()
        if value == OPEN:
            found += sorted(ACTIVE)
            continue
        try:
            found.append(IncidentStatus(value))
        except ValueError:
            known = ", ".join((OPEN, ALL, *IncidentStatus))
            raise Invalid(f"{value!r} is no status; write {known}", field="status") from None
    return tuple(dict.fromkeys(found))


@get("/incidents", tags=["incidents"], responses=problems(Invalid))
async def list_incidents(  # noqa: PLR0913 - one a filter
    asking: AnAsking,
    *,
    statuses: Statuses = None,
    severities: Severities = None,
    team: Team = None,
    service: Service = None,
    text: Text = "",
    taken: Taken = None,
    mine: Mine = False,
    limit: Limit = LIMIT,
    cursor: CursorText = None,
) -> IncidentList:
    """List incidents, newest first."""
    wanted = IncidentFilter(
        statuses=wanted_statuses(statuses), severities=tuple(severities or ()),
        teams=tuple(team or ()), services=tuple(service or ()), mine=mine, text=text,
        acknowledged=taken, before=paging.decode_as(cursor, Position), limit=limit + 1,
    )  # fmt: skip

    async def read(unit: Unit) -> IncidentList:
        found = await incidents.incident_list(unit, wanted)
        return listed(found, limit, unit.config(Directory))

    return await asking.run(read)


def listed(found: list[IncidentRow], limit: int, directory: Directory) -> IncidentList:
    """Cut a list that holds one more than wanted, if there is one."""
    items = tuple(row_shape(one, directory) for one in found[:limit])
    after = paging.encode(found[limit - 1].position) if len(found) > limit else None
    return IncidentList(items=items, next=after)


@post("/incidents", tags=["incidents"], responses=problems(Invalid, NotFound, Conflict))
async def declare_incident(asking: AnAsking, data: ToDeclare) -> Response[IncidentShape]:
    """Declare an incident by hand. An urgent one with a policy pages.

    Without a `team` it belongs to the owner of the first of its services that has one.
    """

    async def act(unit: Unit) -> Incident:
        directory = unit.config(Directory)
        if data.policy and data.policy not in directory.policies:
            raise Invalid(f"there is no policy named {data.policy!r}", field="policy")
        opening = Opening(
            title=data.title, description=data.description, severity=data.severity,
            priority=data.priority, urgency=data.urgency, policy=data.policy,
            services=data.services, team=data.team or _owner(unit, data.services),
            groups=tuple(GroupId(one) for one in data.groups),
            visible_to=_audience(directory, data.restriction),
        )  # fmt: skip
        await require_groups(unit, opening)
        return await command.open(unit, opening)

    return answer(await asking.run(act), 201)


def _owner(unit: Unit, services: Sequence[str]) -> str | None:
    owners = (unit.config(Catalogue).owner_of(name.strip()) for name in services)
    return next(filter(None, owners), None)


def _audience(directory: Directory, wanted: Restriction | None) -> tuple[str, ...] | None:
    if wanted is None:
        return None
    return names_of(person_ids(directory, wanted.people, field="people"), wanted.roles)


@get("/incidents/{reference:str}", tags=["incidents"], responses=problems(NotFound, Invalid))
async def show_incident(asking: AnAsking, reference: Reference) -> Response[IncidentDetail]:
    """Show an incident with its pages, its groups, its people and what belongs to it."""
    found = await on(asking, reference, incident_detail)
    return Response(found, headers={"etag": etag(found.version)})


@patch(
    "/incidents/{reference:str}",
    tags=["incidents"],
    responses=problems(NotFound, Invalid, PreconditionFailed),
)
async def edit_incident(
    asking: AnAsking, request: AnyRequest, reference: Reference, data: ToEdit
) -> Response[IncidentShape]:
    """Say in other words what it is about. `If-Match` refuses what you have not seen."""

    async def act(unit: Unit, incident: Incident, if_version: int | None) -> Incident:
        return await command.edit(
            unit,
            incident.id,
            title=data.title,
            description=data.description,
            if_version=if_version,
        )

    return await change(asking, request, reference, act)


@get(
    "/incidents/{reference:str}/timeline",
    tags=["incidents"],
    responses=problems(NotFound, Invalid),
)
async def show_timeline(
    asking: AnAsking,
    reference: Reference,
    kinds: Annotated[Kinds, QueryParameter(description="Which part of it.")] = Kinds.ALL,
    limit: Limit = LIMIT,
    cursor: CursorText = None,
) -> Timeline:
    """Tell what has happened, newest first, one sentence a record; notes with their text."""
    before_seq = _seq(cursor)

    async def read(unit: Unit, incident: Incident) -> Timeline:
        told = await story(
            unit,
            asking.services.catalog,
            incident,
            kinds=kinds,
            limit=limit,
            before_seq=before_seq,
        )
        return Timeline(
            items=tuple(map(entry_shape, told.entries)),
            next=None if told.next_seq is None else str(told.next_seq),
        )

    return await on(asking, reference, read)


def _seq(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):  # noqa: PLR2004 - bigint's digits
        raise Invalid("this is no cursor; send `next` of the answer before", field="cursor")
    return int(cursor)


@post(
    "/incidents/{reference:str}/acknowledge",
    tags=["incidents"],
    status_code=200,
    responses=problems(NotFound, Invalid, Forbidden),
)
async def acknowledge_incident(
    asking: AnAsking, reference: Reference, channel: Channel = None
) -> Acknowledged:
    """Take all pages of an incident: nobody else is called. Twice, or too late, changes nothing."""

    async def act(unit: Unit, incident: Incident) -> Acknowledged:
        taken = await oncall.acknowledge_incident(
            unit, incident.id, channel="cli" if channel == "cli" else "api"
        )
        directory = unit.config(Directory)
        return Acknowledged(
            incident=incident_shape(incident),
            pages=tuple(page_shape(directory, page) for page in taken),
        )

    return await on(asking, reference, act)


ROUTES = [
    list_incidents,
    declare_incident,
    show_incident,
    edit_incident,
    show_timeline,
    acknowledge_incident,
]
