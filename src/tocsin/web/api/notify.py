"""Paging by hand over JSON, and one's own contact methods: escalate, page somebody, test a method."""

from datetime import datetime
from typing import Annotated

from litestar import get, post
from litestar.openapi.spec import Example
from litestar.params import Body, FromPath
from msgspec import Meta, Struct

import tocsin.command.actions as command
import tocsin.command.reads as incidents
import tocsin.oncall.actions as oncall
from tocsin.command.model import Incident
from tocsin.kernel.errors import Conflict, Invalid, NotFound, TooMany
from tocsin.kernel.unit import Unit
from tocsin.oncall import reads
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.contacts import masked, unquoted
from tocsin.oncall.model import Brief, ContactTest, Method, MethodKind, Page, Scope, Show
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


class TestShape(Struct, frozen=True, kw_only=True):
    """An attempt to reach oneself; outcome null: not known, the process died in between."""

    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    provider_id: str
    error: str


class ContactShape(Struct, frozen=True, kw_only=True):
    """One of the asker's methods, in the order of trying; `show`: how much text leaves by it."""

    index: int
    method: MethodKind
    address: str
    show: Show
    last_test: TestShape | None


class Contacts(Struct, frozen=True, kw_only=True):
    """By what the asker is paged."""

    items: tuple[ContactShape, ...]


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


@get("/me/contacts", tags=["access"], responses=problems(Invalid))
async def my_contacts(asking: AnAsking) -> Contacts:
    """List one's own contact methods, masked, each with its last test."""

    async def read(unit: Unit) -> Contacts:
        person = oncall.own_person(unit.config(Directory), unit)
        tests = await reads.last_tests(unit)
        return Contacts(
            items=tuple(
                _contact(at, method, tests.get(at)) for at, method in enumerate(person.methods)
            )
        )

    return await asking.run(read)


def _contact(index: int, method: Method, test: ContactTest | None) -> ContactShape:
    # a row of another kind is about a method that stood here before
    known = test is not None and test.kind is method.kind
    return ContactShape(
        index=index, method=method.kind, address=masked(method), show=method.show,
        last_test=_test(test, method) if test is not None and known else None,
    )  # fmt: skip


def _test(test: ContactTest, method: Method | None) -> TestShape:
    return TestShape(
        started_at=test.started_at, ended_at=test.ended_at, outcome=test.outcome,
        provider_id=test.provider_id, error=unquoted(test.error, method),
    )  # fmt: skip


@post(
    "/me/contacts/{index:int}/test",
    tags=["access"],
    status_code=200,
    responses=problems(NotFound, Invalid, TooMany),
)
async def test_my_contact(asking: AnAsking, index: FromPath[int]) -> TestShape:
    """Send a message to oneself by one's method `index`, and say how it went."""
    test = await asking.services.try_contact(asking.actor, index)

    async def read(unit: Unit) -> TestShape:
        methods = oncall.own_person(unit.config(Directory), unit).methods
        return _test(test, methods[index] if index < len(methods) else None)

    return await asking.run(read)


ROUTES = [request_page, escalate_incident, my_contacts, test_my_contact]
