"""The incident's room, its parts alone, and why something in it happened."""

from collections.abc import Iterable
from typing import Annotated, Final
from uuid import UUID

from litestar import get
from litestar.params import FromPath, QueryParameter
from litestar.response import Template

from tocsin.command.reads import IncidentRow
from tocsin.kernel.errors import NotFound
from tocsin.kernel.unit import Unit
from tocsin.oncall import reads as oncall
from tocsin.triage import reads as triage
from tocsin.web.explaining import explain
from tocsin.web.forecasts import forecast
from tocsin.web.pages.frame import Context, frame
from tocsin.web.pages.room import everything, story
from tocsin.web.pages.timeline_views import causes, entry_views
from tocsin.web.pages.views import Row, row
from tocsin.web.story import story as timeline
from tocsin.web.units import AnAsking, AnyRequest

FRAGMENTS = {
    "_head": "_incident_head.html",
    "_people": "_incident_people.html",
    "_pages": "_pages.html",
    "_timeline": "_timeline.html",
    "_alerts": "_alerts.html",
    "_linked": "_incident_linked.html",
}
SEQ_MAX = 2**63 - 1
ENTRIES_READ = 1000  # further back than anybody asks why
Show = Annotated[str, QueryParameter(max_length=20)]
Before = Annotated[int | None, QueryParameter(ge=0, le=SEQ_MAX)]


async def rows(unit: Unit, found: Iterable[IncidentRow]) -> list[Row]:
    """Show incidents with whom they call next, all of them read at once."""
    directory = await oncall.directory(unit)
    calling = [one for one in found if one.resolved_at is None]
    pages = await oncall.pages_of(unit, [one.id for one in calling])
    waiting = await oncall.waiting_for(unit, [page for of in pages.values() for page in of])
    return [
        row(
            one,
            [
                forecast(page, waiting.get(page.id, ()), directory)
                for page in pages.get(one.id, ())
            ],
            directory=directory,
            actor=unit.actor,
        )
        for one in found
    ]


@get("/incidents/{reference:str}")
async def incident_room(
    asking: AnAsking,
    request: AnyRequest,
    reference: FromPath[str],
    show: Show = "",
    before: Before = None,
) -> Template:
    """Show one incident; `show` narrows its timeline, `before` goes on with it."""
    context = await _gather(asking, request, reference, show, before)
    return Template("incident.html", context=context)


async def fragment(
    asking: AnAsking, request: AnyRequest, reference: str, part: str
) -> Template:
    """Show one of FRAGMENTS alone."""
    return Template(FRAGMENTS[part], context=await _gather(asking, request, reference))


async def _gather(
    asking: AnAsking,
    request: AnyRequest,
    reference: str,
    show: str = "",
    before: int | None = None,
) -> Context:
    catalog = asking.services.catalog

    async def read(unit: Unit) -> Context:
        context = await frame(unit, request, page="incident", title="Incident")
        found = await story(unit, reference)
        context["title"] = f"{found.incident.reference} {found.incident.title}"
        return context | await everything(unit, catalog, found, tab=show, before_seq=before)

    return await asking.run(read)


@get("/incidents/{reference:str}/why")
async def explanation(
    asking: AnAsking, request: AnyRequest, reference: FromPath[str]
) -> Template:
    """Say why it paged whom it paged, and why nobody else."""

    async def read(unit: Unit) -> Context:
        incident = (await story(unit, reference)).incident
        title = f"Why, {incident.reference}"
        context = await frame(unit, request, page="incident", title=title)
        explained = await explain(unit, asking.services.catalog, incident)
        return context | {
            "url": f"/incidents/{incident.reference}", "chain": (), "explained": explained,
            "reasons": explained.sorted_by,
        }  # fmt: skip

    return Template("incident_why.html", context=await asking.run(read))


@get("/incidents/{reference:str}/why/{record:uuid}")
async def why(
    asking: AnAsking, request: AnyRequest, reference: FromPath[str], record: FromPath[UUID]
) -> Template:
    """Walk up from one record of the timeline to what it follows from. Raises NotFound."""

    async def read(unit: Unit) -> Context:
        found = await story(unit, reference)
        incident = found.incident
        told = await timeline(unit, asking.services.catalog, incident, limit=ENTRIES_READ)
        chain = causes(told.entries, record)
        if not chain:
            raise NotFound(f"{incident.reference} has no such entry")
        alerts = await triage.alerts_of(unit, found.group_ids, limit=1)
        context = await frame(
            unit, request, page="incident", title=f"Why, {incident.reference}"
        )
        return context | {
            "url": f"/incidents/{incident.reference}",
            "chain": entry_views(chain),
            "explained": None,
            "reasons": alerts[0].reasons if alerts else (),
        }

    return Template("incident_why.html", context=await asking.run(read))


ROUTES: Final = (incident_room, explanation, why)
