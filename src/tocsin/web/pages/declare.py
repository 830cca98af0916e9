"""Declaring an incident by hand: a title is enough, all else may come later."""

from typing import Annotated, Any, Final

from litestar import Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.params import QueryParameter
from litestar.response import Redirect, Template
from msgspec import Struct

from tocsin.command import actions as commands
from tocsin.command.core.audience import names_of
from tocsin.command.model import Incident, Opening
from tocsin.kernel.errors import Conflict, Invalid
from tocsin.kernel.ids import GroupId
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Severity, Urgency
from tocsin.oncall.core.config import Directory
from tocsin.topology.model import Catalogue
from tocsin.triage import reads as triage
from tocsin.triage.model import Group
from tocsin.web.forms import several, text
from tocsin.web.opening import require_groups
from tocsin.web.pages.frame import Context, frame
from tocsin.web.pages.incident_forms import (
    people_choices,
    policy_choices,
    severity_choices,
)
from tocsin.web.pages.room import as_id
from tocsin.web.units import AnAsking, AnyRequest

NOBODY = "-"  # the policy's choice that pages nobody
GROUPS_SHOWN = 50
Ids = Annotated[list[str] | None, QueryParameter()]
Word = Annotated[str, QueryParameter(max_length=200)]


class Given(Struct, frozen=True, kw_only=True):
    """What was typed so far, shown again when something is not acceptable."""

    title: str = ""
    description: str = ""
    severity: str = ""
    service: str = ""
    policy: str = NOBODY
    restricted: bool = False
    groups: tuple[str, ...] = ()
    people: tuple[str, ...] = ()


@get("/declare")
async def ask(
    asking: AnAsking,
    request: AnyRequest,
    group: Ids = None,
    service: Word = "",
    title: Word = "",
) -> Template:
    """Ask what is wrong; `group` are the groups of alerts that were selected."""
    given = Given(
        groups=tuple(group or ())[:GROUPS_SHOWN], service=service, title=title, policy=""
    )
    return await _page(asking, request, given, problem="")


async def _page(
    asking: AnAsking,
    request: AnyRequest,
    given: Given,
    *,
    problem: str,
    field: str | None = None,
) -> Template:
    async def read(unit: Unit) -> Context:
        unit.require("incident:open")
        context = await frame(unit, request, page="declare", title="Declare an incident")
        directory = unit.config(Directory)
        groups = await _groups(unit, given)
        if not given.title and groups:
            context["suggested"] = groups[0].title
        return (
            {"suggested": ""}
            | context
            | {
                "given": given,
                "problem": problem,
                "field": field,
                "groups": groups,
                "severities": severity_choices(),
                "services": sorted(unit.config(Catalogue).services),
                "policies": policy_choices(directory),
                "people": people_choices(directory),
                "can_restrict": unit.actor.may("incident:restrict"),
            }
        )

    status = 422 if problem else 200
    return Template("declare.html", context=await asking.run(read), status_code=status)


async def _groups(unit: Unit, given: Given) -> list[Group]:
    ids = [as_id(one, "group") for one in given.groups]
    return await triage.groups(unit, ids) if ids else []


@post("/declare", status_code=303)
async def declare(posting: AnAsking, request: AnyRequest) -> Response[Any]:
    """Declare it, and lead to its room; what is not acceptable is asked again."""
    form = await request.form()
    given = _given(form)

    async def act(unit: Unit) -> Incident:
        opening = _opening(unit, given)
        await require_groups(unit, opening)
        return await commands.open(unit, opening)

    try:
        incident = await posting.run(act)
    except (Invalid, Conflict) as refused:
        field = refused.field if isinstance(refused, Invalid) else None
        return await _page(posting, request, given, problem=refused.detail, field=field)
    return Redirect(f"/incidents/{incident.reference}", status_code=303)


def _given(form: FormMultiDict) -> Given:
    return Given(
        title=text(form, "title"),
        description=text(form, "description"),
        severity=text(form, "severity"),
        service=text(form, "service"),
        policy=text(form, "policy"),
        restricted=bool(text(form, "restricted")),
        groups=several(form, "group")[:GROUPS_SHOWN],
        people=several(form, "person")[:GROUPS_SHOWN],
    )


def _opening(unit: Unit, given: Given) -> Opening:
    services = (given.service.strip(),) if given.service.strip() else ()
    directory = unit.config(Directory)
    people = [directory.person_named(name).id for name in given.people]
    owner = unit.config(Catalogue).owner_of(services[0]) if services else None
    return Opening(
        title=given.title,
        description=given.description,
        severity=Severity.__members__.get(given.severity),
        urgency=Urgency.LOW if given.policy == NOBODY else Urgency.HIGH,
        policy=None if given.policy == NOBODY else given.policy,
        services=services,
        team=owner,
        groups=tuple(GroupId(as_id(one, "group")) for one in given.groups),
        visible_to=names_of(people, ()) if given.restricted else None,
    )


ROUTES: Final = (ask, declare)
