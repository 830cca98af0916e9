"""Full-text search over JSON, and an incident as one file to keep."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from litestar import Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import (
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Schema,
)
from litestar.params import QueryParameter

from tocsin.command import reads as command
from tocsin.command.model import Incident
from tocsin.command.reads import IncidentFilter
from tocsin.kernel.errors import Invalid, NotFound
from tocsin.kernel.unit import Unit
from tocsin.oncall.core.config import Directory
from tocsin.triage import reads as triage
from tocsin.web.api.incident_asking import Reference, on
from tocsin.web.api.incident_detail import incident_detail
from tocsin.web.api.incident_shapes import (
    Export,
    ExportedAlert,
    Found,
    note_shape,
    row_shape,
)
from tocsin.web.api.report import report
from tocsin.web.api.shapes import AlertShape, alert_fields, entry_shape, problems
from tocsin.web.story import story
from tocsin.web.units import AnAsking

SEARCH_LIMIT = 20
SEARCH_LIMIT_MAX = 50
ENTRIES_MAX = 10_000
ALERTS_MAX = 10_000
MARKDOWN = "text/markdown"

Words = Annotated[
    str,
    QueryParameter(
        name="q",
        min_length=1,
        max_length=500,
        description='Words, "phrases", OR, -not; INC-12 finds that incident.',
    ),
]
Count = Annotated[
    int, QueryParameter(ge=1, le=SEARCH_LIMIT_MAX, description="How many of each at most.")
]


class Format(StrEnum):
    """How an export is written."""

    JSON = "json"
    MARKDOWN = "markdown"


@get("/search", tags=["search"], responses=problems(Invalid))
async def search(asking: AnAsking, text: Words, limit: Count = SEARCH_LIMIT) -> Found:
    """Find incidents by title, description, labels, services and notes, and alerts by labels."""

    async def read(unit: Unit) -> Found:
        directory = unit.config(Directory)
        wanted = text.replace("\0", "").strip()
        if not wanted:
            return Found(incidents=(), alerts=())
        rows = await command.incident_list(unit, IncidentFilter(text=wanted, limit=limit))
        alerts = await triage.search(unit, wanted, limit)
        return Found(
            incidents=tuple(row_shape(one, directory) for one in rows),
            alerts=tuple(AlertShape(**alert_fields(one)) for one in alerts),
        )

    return await asking.run(read)


@dataclass
class _InBothForms(Operation):
    """What the framework would describe as JSON alone."""

    def __post_init__(self) -> None:
        file = (self.responses or {}).get("200")
        if isinstance(file, OpenAPIResponse) and file.content is not None:
            text = Schema(type=OpenAPIType.STRING, examples=["# INC-12 HighErrorRate"])
            file.content[MARKDOWN] = OpenAPIMediaType(schema=text)


@get(
    "/incidents/{reference:str}/export",
    tags=["incidents"],
    operation_class=_InBothForms,
    responses=problems(NotFound, Invalid)
    | {200: ResponseSpec(Export, description="The file, JSON or Markdown.")},
)
async def export_incident(
    asking: AnAsking,
    reference: Reference,
    written: Annotated[
        Format,
        QueryParameter(name="format", description="`json` has all, `markdown` reads well."),
    ] = Format.JSON,
) -> Response[Any]:
    """Write an incident as one file: facts, timeline, notes, pages, alerts."""

    async def read(unit: Unit, incident: Incident) -> Export:
        return await _export(unit, asking, incident)

    found = await on(asking, reference, read)
    name = found.incident.reference
    if written is Format.MARKDOWN:
        text = report(found).encode()
        return _file(text, MARKDOWN, f"{name}.md")
    return _file(msgspec.json.encode(found), "application/json", f"{name}.json")


def _file(body: bytes, media_type: str, name: str) -> Response[bytes]:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(body, media_type=media_type, headers=headers)


async def _export(unit: Unit, asking: AnAsking, incident: Incident) -> Export:
    directory = unit.config(Directory)
    detail = await incident_detail(unit, incident)
    alerts = await triage.alerts_of(
        unit, [group.id for group in detail.groups], limit=ALERTS_MAX
    )
    told = await story(unit, asking.services.catalog, incident, limit=ENTRIES_MAX)
    ids = [incident.id, *(one.id for one in await command.merged_into(unit, incident.id))]
    notes = await command.notes_of(unit, ids)
    return Export(
        exported_at=unit.now,
        incident=detail,
        notes=tuple(note_shape(one, directory) for one in notes),
        alerts=tuple(ExportedAlert(**alert_fields(one), reasons=one.reasons) for one in alerts),
        timeline=tuple(entry_shape(one) for one in reversed(told.entries)),
        complete=told.next_seq is None and len(alerts) < ALERTS_MAX,
    )


ROUTES = [search, export_incident]
