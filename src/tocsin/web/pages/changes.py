"""Changes: what was deployed, switched or configured, newest first, with the service in the URL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final
from urllib.parse import urlencode

from litestar import get
from litestar.params import QueryParameter
from litestar.response import Template

from tocsin.kernel.unit import Unit
from tocsin.topology import reads as topology
from tocsin.topology.model import Catalogue, ChangeRecord
from tocsin.web.api import paging
from tocsin.web.api.paging import Cursor
from tocsin.web.pages.frame import Context, frame
from tocsin.web.units import AnAsking, AnyRequest

SHOWN = 50
FIRST = (
    '{"routing_key": "\'"$TOCSIN_TOKEN"\'", "payload": {"summary": "Deployed checkout 2.4",'
    ' "source": "ci", "custom_details": {"service": "checkout"}}}'
)
Name = Annotated[str, QueryParameter(max_length=200)]
CursorText = Annotated[str | None, QueryParameter(max_length=200)]


@get("/changes")
async def changes(
    asking: AnAsking, request: AnyRequest, service: Name = "", cursor: CursorText = None
) -> Template:
    """Show what changed: in one service, or anywhere."""
    base_url = asking.services.settings.base_url

    async def read(unit: Unit) -> Context:
        unit.require("change:read")
        context = await frame(unit, request, page="changes", title="Changes")
        found, after = await _part(unit, service, cursor)
        names = sorted({*unit.config(Catalogue).services, service} - {""})
        return context | {
            "changes": found,
            "service": service,
            "services": [("", "Any service"), *((name, name) for name in names)],
            "more": _url(service=service, cursor=after) if after else None,
            "curl": f"curl -sS {base_url}/v2/change/enqueue -d '{FIRST}'",
        }

    return Template("changes.html", context=await asking.run(read))


async def _part(
    unit: Unit, service: str, cursor: str | None
) -> tuple[list[ChangeRecord], str | None]:
    start = paging.decode(cursor)

    async def older(before: datetime | None, count: int) -> Sequence[ChangeRecord]:
        return await topology.changes(unit, service=service or None, before=before, limit=count)

    found = await paging.walk(older, start, SHOWN, _key, lambda _one: True)
    return paging.cut(found, start, SHOWN, _key)


def _key(change: ChangeRecord) -> Cursor:
    return Cursor(change.at, change.id)


def _url(**query: str) -> str:
    return "/changes?" + urlencode({name: value for name, value in query.items() if value})


ROUTES: Final = (changes,)
