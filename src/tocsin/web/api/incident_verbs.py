"""Incidents over JSON: how far the response is, how bad, over or not, one or two."""

from typing import Annotated

from litestar import Response, post
from litestar.openapi.spec import Example
from litestar.params import Body

import tocsin.command.actions as command
from tocsin.command import reads as incidents
from tocsin.command.model import Incident
from tocsin.kernel.ids import GroupId
from tocsin.kernel.unit import Unit
from tocsin.web.api.etags import expected_version
from tocsin.web.api.incident_asking import (
    CHANGED,
    AnOther,
    Reference,
    answer,
    change,
    on,
)
from tocsin.web.api.incident_shapes import ToPriority, ToSeverity, ToSplit, ToStatus
from tocsin.web.api.shapes import IncidentShape
from tocsin.web.units import AnAsking, AnyRequest

GROUP = "0195d3a0-7c1e-7a3b-9c58-5d0f4e6a1b2c"
AStatus = Annotated[ToStatus, Body(examples=[Example(value={"status": "identified"})])]
ASeverity = Annotated[ToSeverity, Body(examples=[Example(value={"severity": 2})])]
APriority = Annotated[ToPriority, Body(examples=[Example(value={"priority": "P1"})])]
ASplit = Annotated[
    ToSplit, Body(examples=[Example(value={"groups": [GROUP], "title": "Search is slow too"})])
]


@post(
    "/incidents/{reference:str}/resolve",
    tags=["incidents"],
    status_code=200,
    responses=CHANGED,
)
async def resolve_incident(
    asking: AnAsking, request: AnyRequest, reference: Reference
) -> Response[IncidentShape]:
    """Call an incident over: its pages close. It stays over while its alerts still fire."""

    async def act(unit: Unit, incident: Incident, if_version: int | None) -> Incident:
        return await command.resolve(unit, incident.id, if_version=if_version)

    return await change(asking, request, reference, act)


@post(
    "/incidents/{reference:str}/reopen", tags=["incidents"], status_code=200, responses=CHANGED
)
async def reopen_incident(
    asking: AnAsking, request: AnyRequest, reference: Reference
) -> Response[IncidentShape]:
    """Say that an incident is not over. If people were paged for it, they are paged again."""

    async def act(unit: Unit, incident: Incident, if_version: int | None) -> Incident:
        return await command.reopen(unit, incident.id, if_version=if_version)

    return await change(asking, request, reference, act)


@post(
    "/incidents/{reference:str}/status", tags=["incidents"], status_code=200, responses=CHANGED
)
async def set_status(
    asking: AnAsking, request: AnyRequest, reference: Reference, data: AStatus
) -> Response[IncidentShape]:
    """Say how far the response has come; `closed` puts a resolved incident away."""

    async def act(unit: Unit, incident: Incident, if_version: int | None) -> Incident:
        return await command.set_status(unit, incident.id, data.status, if_version=if_version)

    return await change(asking, request, reference, act)


@post(
    "/incidents/{reference:str}/severity",
    tags=["incidents"],
    status_code=200,
    responses=CHANGED,
)
async def set_severity(
    asking: AnAsking, request: AnyRequest, reference: Reference, data: ASeverity
) -> Response[IncidentShape]:
    """Say how bad it is. Nobody else does: a label of an alert is not a person's word."""

    async def act(unit: Unit, incident: Incident, if_version: int | None) -> Incident:
        return await command.set_severity(
            unit, incident.id, data.severity, if_version=if_version
        )

    return await change(asking, request, reference, act)


@post(
    "/incidents/{reference:str}/priority",
    tags=["incidents"],
    status_code=200,
    responses=CHANGED,
)
async def set_priority(
    asking: AnAsking, request: AnyRequest, reference: Reference, data: APriority
) -> Response[IncidentShape]:
    """Say when it is worked on."""

    async def act(unit: Unit, incident: Incident, if_version: int | None) -> Incident:
        return await command.set_priority(
            unit, incident.id, data.priority, if_version=if_version
        )

    return await change(asking, request, reference, act)


@post(
    "/incidents/{reference:str}/merge", tags=["incidents"], status_code=200, responses=CHANGED
)
async def merge_incident(
    asking: AnAsking, reference: Reference, data: AnOther
) -> Response[IncidentShape]:
    """Make an incident part of another, which is the answer: groups and responders move."""

    async def act(unit: Unit, incident: Incident) -> Incident:
        into = await incidents.incident(unit, data.incident)
        return await command.merge(unit, incident.id, into.id)

    return answer(await on(asking, reference, act))


@post("/incidents/{reference:str}/split", tags=["incidents"], responses=CHANGED)
async def split_incident(
    asking: AnAsking, request: AnyRequest, reference: Reference, data: ASplit
) -> Response[IncidentShape]:
    """Make some groups of alerts an incident of their own, which is the answer."""
    if_version = expected_version(request)

    async def act(unit: Unit, incident: Incident) -> Incident:
        return await command.split(
            unit,
            incident.id,
            [GroupId(one) for one in data.groups],
            data.title,
            if_version=if_version,
        )

    return answer(await on(asking, reference, act), 201)


ROUTES = [
    resolve_incident,
    reopen_incident,
    set_status,
    set_severity,
    set_priority,
    merge_incident,
    split_incident,
]
