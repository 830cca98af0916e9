"""Paging by hand over JSON: escalate, page somebody."""

from typing import Annotated

from litestar import post
from litestar.openapi.spec import Example
from litestar.params import Body
from msgspec import Meta, Struct

import tocsin.command.actions as command
import tocsin.command.reads as incidents
import tocsin.oncall.actions as oncall
from tocsin.command.model import Incident
from tocsin.kernel.errors import Conflict, Invalid, NotFound
from tocsin.kernel.unit import Unit
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import Brief, Page, Scope
from tocsin.web.api.incident_asking import Reference
from tocsin.web.api.oncall import page_shape
from tocsin.web.api.page_shapes import PageShape
from tocsin.web.api.shapes import problems
from tocsin.web.units import AnAsking

Name = Annotated[str, Meta(min_length=1, max_length=63)]


class NewPage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to page: either a person or a policy, by the name of the resource."""

    person: Name | None = None
    policy: Name | None = None


class Escalated(Struct, frozen=True, kw_only=True):
    """The pages that called their next step."""

    pages: tuple[PageShape, ...]


def brief_of(incident: Incident) -> Brief:
    """Say what an incident is about in the words of a page."""
    return Brief(
        number=incident.number, title=incident.title, summary=incident.description,
        labels=incident.labels,
    )  # fmt: skip


async def page_somebody(unit: Unit, incident: Incident, asked: NewPage) -> Page:
    """Page a person or a policy for an incident. Raises Invalid unless it is just one of them."""
    if (asked.person is None) == (asked.policy is None):
        raise Invalid("name either a person or a policy", field="person")
    incident = await command.hold(unit, incident.id)
    brief = brief_of(incident)
    scope = Scope(team=incident.team, visible_to=incident.visible_to)
    if asked.person is not None:
        return await oncall.request_person(unit, incident.id, asked.person, brief, scope)
    return await oncall.request_policy(unit, incident.id, asked.policy or "", brief, scope)


@post(
    "/incidents/{reference:str}/page",
    tags=["incidents"],
    status_code=200,
    responses=problems(NotFound, Invalid, Conflict),
)
async def request_page(
    asking: AnAsking,
    reference: Reference,
    data: Annotated[
        NewPage,
        Body(examples=[Example(summary="one more pair of eyes", value={"person": "maya"})]),
    ],
) -> PageShape:
    """Page a person or a policy for an incident, by a page of its own. Twice changes nothing."""

    async def act(unit: Unit) -> PageShape:
        incident = await incidents.incident(unit, reference)
        page = await page_somebody(unit, incident, data)
        return page_shape(unit.config(Directory), page)

    return await asking.run(act)


@post(
    "/incidents/{reference:str}/escalate",
    tags=["incidents"],
    status_code=200,
    responses=problems(NotFound, Invalid, Conflict),
)
async def escalate_incident(asking: AnAsking, reference: Reference) -> Escalated:
    """Call the next step now, without waiting for the present one to answer."""

    async def act(unit: Unit) -> Escalated:
        incident = await incidents.incident(unit, reference)
        climbed = await oncall.escalate(unit, incident.id)
        directory = unit.config(Directory)
        return Escalated(pages=tuple(page_shape(directory, page) for page in climbed))

    return await asking.run(act)


ROUTES = [request_page, escalate_incident]
