"""The incident's room: its head, pages, timeline and alerts, and the two things people do there."""

from collections.abc import Sequence
from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from tocsin.command import actions as commands
from tocsin.command import reads as command
from tocsin.command.model import Incident
from tocsin.kernel import timeline
from tocsin.kernel.errors import NotFound
from tocsin.kernel.events import Catalog
from tocsin.kernel.unit import Unit
from tocsin.oncall import actions as oncalls
from tocsin.oncall import reads as oncall
from tocsin.oncall.core.config import Directory
from tocsin.triage import reads as triage
from tocsin.web.pages.frame import AnyRequest, Asked, Context, frame
from tocsin.web.pages.list_views import alert_views
from tocsin.web.pages.page_views import page_views
from tocsin.web.pages.timeline_views import entry_views
from tocsin.web.pages.views import Row, room, row

FRAGMENTS = {
    "_head": "_incident_head.html",
    "_pages": "_pages.html",
    "_timeline": "_timeline.html",
    "_alerts": "_alerts.html",
}


async def rows(unit: Unit, incidents: Sequence[Incident]) -> list[Row]:
    """Read what a row of each incident needs, all incidents at once."""
    ids = [incident.id for incident in incidents]
    pages = await oncall.pages_of(unit, ids)
    waiting = await oncall.waiting_for(unit, [page for of in pages.values() for page in of])
    groups = await command.groups_of(unit, ids)
    group_ids = [group_id for of in groups.values() for group_id in of]
    counts = {group.id: group.alert_count for group in await triage.groups(unit, group_ids)}
    return [
        row(
            incident,
            pages.get(incident.id, ()),
            waiting=waiting,
            alert_count=sum(
                counts.get(group_id, 0) for group_id in groups.get(incident.id, ())
            ),
            directory=unit.config(Directory),
            role=unit.actor.role,
        )
        for incident in incidents
    ]


@get("/incidents/{reference:str}")
async def incident_room(
    asking: Asked, request: AnyRequest, reference: FromPath[str]
) -> Template:
    """Show one incident."""
    return Template("incident.html", context=await _gather(asking, request, reference))


@get("/incidents/{reference:str}/{part:str}")
async def fragment(
    asking: Asked, request: AnyRequest, reference: FromPath[str], part: FromPath[str]
) -> Template:
    """Show one part of the room alone. Raises NotFound."""
    if part not in FRAGMENTS:
        raise NotFound(f"an incident has no {part}")
    return Template(FRAGMENTS[part], context=await _gather(asking, request, reference))


async def _gather(asking: Asked, request: AnyRequest, reference: str) -> Context:
    async def read(unit: Unit) -> Context:
        context = await frame(unit, request, page="incident", title="Incident")
        incident = await command.incident(unit, reference)
        context["title"] = f"{incident.reference} {incident.title}"
        return context | await _room(unit, asking.services.catalog, incident)

    return await asking.run(read)


async def _room(unit: Unit, catalog: Catalog, incident: Incident) -> Context:
    directory = unit.config(Directory)
    group_ids = (await command.groups_of(unit, [incident.id])).get(incident.id, [])
    alerts = await triage.alerts_of(unit, group_ids)
    pages = (await oncall.pages_of(unit, [incident.id])).get(incident.id, [])
    notifications = await oncall.notifications_of(unit, [page.id for page in pages])
    attempts = await oncall.attempts_of(unit, [one.id for one in notifications])
    waiting = await oncall.waiting_for(unit, pages)
    (shown,) = await rows(unit, [incident])
    subjects = [incident.id, *group_ids, *(page.id for page in pages)]
    found = await timeline.about(unit, subjects, catalog=catalog, name=directory.name_of)
    return {
        "incident": room(shown, incident, alerts=alerts, directory=directory),
        "pages": page_views(
            pages, notifications, attempts, waiting=waiting, directory=directory
        ),
        "alerts": alert_views(alerts),
        "timeline": entry_views(found, directory.name_of),
    }


@post("/incidents/{reference:str}/acknowledge", status_code=303)
async def acknowledge(
    posting: Asked, request: AnyRequest, reference: FromPath[str]
) -> Response[Any]:
    """Take the incident's pages."""

    async def act(unit: Unit) -> Incident:
        incident = await command.incident(unit, reference)
        await oncalls.acknowledge_incident(unit, incident.id, channel="web")
        return incident

    return _done(request, await posting.run(act))


@post("/incidents/{reference:str}/resolve", status_code=303)
async def resolve(
    posting: Asked, request: AnyRequest, reference: FromPath[str]
) -> Response[Any]:
    """Call the incident over."""

    async def act(unit: Unit) -> Incident:
        incident = await command.incident(unit, reference)
        return await commands.resolve(unit, incident.id)

    return _done(request, await posting.run(act))


def _done(request: AnyRequest, incident: Incident) -> Response[Any]:
    """Lead back to the incident; with script the page's live regions show the outcome."""
    if request.headers.get("hx-request") == "true":
        return Response(None, status_code=204)
    return Redirect(f"/incidents/{incident.reference}", status_code=303)


ROUTES: Final = (incident_room, fragment, acknowledge, resolve)
