"""Incidents over JSON: list, show, timeline, acknowledge, resolve."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import FromQuery, HeaderParameter, PathParameter, SkipValidation

import tocsin.command.actions as command
import tocsin.command.reads as incidents
import tocsin.oncall.actions as oncall
import tocsin.triage.reads as triage
from tocsin.command.model import Incident
from tocsin.kernel import timeline
from tocsin.kernel.errors import Invalid, NotFound
from tocsin.kernel.timeline import Entry
from tocsin.kernel.unit import Unit
from tocsin.oncall import reads as pages
from tocsin.oncall.core.config import Directory
from tocsin.web.api import paging
from tocsin.web.api.oncall import page_details, page_shape
from tocsin.web.api.page_shapes import Acknowledged, IncidentDetail
from tocsin.web.api.paging import LIMIT, Cursor, CursorText, Limit
from tocsin.web.api.shapes import (
    IncidentList,
    IncidentShape,
    Timeline,
    entry_shape,
    group_shape,
    incident_shape,
    problems,
)
from tocsin.web.units import Asking

AnAsking = NamedDependency[SkipValidation[Asking]]
Reference = Annotated[
    str,
    PathParameter(
        description="INC-12, 12 or the id.",
        examples=[Example(summary="as people say it", value="INC-12")],
    ),
]
Channel = Annotated[
    str | None,
    HeaderParameter(
        name="x-tocsin-channel",
        description="By what the person acts: `api` or `cli`; it stands in the timeline.",
    ),
]
OPEN_MAX = 10_000
UNSEALED_MAX = 200


class IncidentFilter(StrEnum):
    """Which incidents a list holds."""

    OPEN = "open"
    RESOLVED = "resolved"
    ALL = "all"


def _key(incident: Incident) -> Cursor:
    return Cursor(incident.opened_at, incident.id)


@get("/incidents", tags=["incidents"], responses=problems(Invalid))
async def list_incidents(
    asking: AnAsking,
    status: FromQuery[IncidentFilter] = IncidentFilter.OPEN,
    limit: Limit = LIMIT,
    cursor: CursorText = None,
) -> IncidentList:
    """List incidents, newest first."""
    start = paging.decode(cursor)

    async def read(unit: Unit) -> Sequence[Incident]:
        if status is IncidentFilter.OPEN:
            return await incidents.open_incidents(unit, limit=OPEN_MAX)

        async def older(before: datetime | None, count: int) -> Sequence[Incident]:
            return await incidents.incidents(unit, before=before, limit=count)

        def wanted(incident: Incident) -> bool:
            return status is IncidentFilter.ALL or incident.resolved_at is not None

        return await paging.walk(older, start, limit, _key, wanted)

    found, after = paging.cut(await asking.run(read), start, limit, _key)
    return IncidentList(items=tuple(map(incident_shape, found)), next=after)


@get("/incidents/{reference:str}", tags=["incidents"], responses=problems(NotFound, Invalid))
async def show_incident(asking: AnAsking, reference: Reference) -> IncidentDetail:
    """Show an incident with its pages, its groups and how many alerts it has."""

    async def read(unit: Unit) -> IncidentDetail:
        incident = await incidents.incident(unit, reference)
        group_ids = (await incidents.groups_of(unit, [incident.id])).get(incident.id, [])
        groups = await triage.groups(unit, group_ids)
        found = (await pages.pages_of(unit, [incident.id])).get(incident.id, [])
        shape = incident_shape(incident)
        return IncidentDetail(
            **{name: getattr(shape, name) for name in shape.__struct_fields__},
            pages=await page_details(unit, found),
            groups=tuple(group_shape(one) for one in sorted(groups, key=lambda g: g.opened_at)),
            alert_count=sum(group.alert_count for group in groups),
            firing_count=sum(group.firing_count for group in groups),
        )

    return await asking.run(read)


@get(
    "/incidents/{reference:str}/timeline",
    tags=["incidents"],
    responses=problems(NotFound, Invalid),
)
async def show_timeline(
    asking: AnAsking, reference: Reference, limit: Limit = LIMIT, cursor: CursorText = None
) -> Timeline:
    """Tell what has happened, newest first, one sentence a record."""
    before_seq = _seq(cursor)

    async def read(unit: Unit) -> Timeline:
        incident = await incidents.incident(unit, reference)
        group_ids = (await incidents.groups_of(unit, [incident.id])).get(incident.id, [])
        found = (await pages.pages_of(unit, [incident.id])).get(incident.id, [])
        subjects: list[UUID] = [incident.id, *group_ids, *(page.id for page in found)]
        entries = await timeline.about(
            unit,
            subjects,
            catalog=asking.services.catalog,
            name=unit.config(Directory).name_of,
            limit=limit + 1 + UNSEALED_MAX,
            before_seq=before_seq,
        )
        return _timeline(entries, limit)

    return await asking.run(read)


def _timeline(entries: Sequence[Entry], limit: int) -> Timeline:
    """Cut where a seq can name the rest: records that are not sealed yet stay together."""
    end = limit
    while end < len(entries) and entries[end].seq is None:
        end += 1
    following = entries[end].seq if end < len(entries) else None
    return Timeline(
        items=tuple(map(entry_shape, entries[:end])),
        next=None if following is None else str(following + 1),
    )


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
    responses=problems(NotFound, Invalid),
)
async def acknowledge_incident(
    asking: AnAsking, reference: Reference, channel: Channel = None
) -> Acknowledged:
    """Take all pages of an incident: nobody else is called. Twice, or too late, changes nothing."""

    async def act(unit: Unit) -> Acknowledged:
        incident = await incidents.incident(unit, reference)
        taken = await oncall.acknowledge_incident(
            unit, incident.id, channel="cli" if channel == "cli" else "api"
        )
        directory = unit.config(Directory)
        return Acknowledged(
            incident=incident_shape(incident),
            pages=tuple(page_shape(directory, page) for page in taken),
        )

    return await asking.run(act)


@post(
    "/incidents/{reference:str}/resolve",
    tags=["incidents"],
    status_code=200,
    responses=problems(NotFound, Invalid),
)
async def resolve_incident(asking: AnAsking, reference: Reference) -> IncidentShape:
    """Call an incident over: its pages close. It stays over while its alerts still fire."""

    async def act(unit: Unit) -> IncidentShape:
        incident = await incidents.incident(unit, reference)
        return incident_shape(await command.resolve(unit, incident.id))

    return await asking.run(act)


ROUTES = [
    list_incidents,
    show_incident,
    show_timeline,
    acknowledge_incident,
    resolve_incident,
]
