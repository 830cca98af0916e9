"""Now: what is mine, what is open, who is on call, is Tocsin well."""

from typing import Final

from litestar import get
from litestar.response import Template

from tocsin.command import reads as command
from tocsin.command.core.status import ACTIVE
from tocsin.command.reads import IncidentFilter
from tocsin.kernel.unit import Unit
from tocsin.oncall import reads as oncall
from tocsin.oncall.core.config import Directory
from tocsin.web.pages.frame import Context, frame
from tocsin.web.pages.incidents import rows
from tocsin.web.pages.list_views import duties, health
from tocsin.web.pages.views import in_order
from tocsin.web.units import AnAsking, AnyRequest

OPEN_SHOWN = 100
RESOLVED_SHOWN = 10
_ALERT = '[{"labels":{"alertname":"Hello","service":"demo"}}]'


@get("/")
async def now(asking: AnAsking, request: AnyRequest) -> Template:
    """Show the page that people leave open."""
    return Template("now.html", context=await _gather(asking, request))


@get("/_now")
async def now_list(asking: AnAsking, request: AnyRequest) -> Template:
    """Show its list alone."""
    return Template("_now_list.html", context=await _gather(asking, request))


async def _gather(asking: AnAsking, request: AnyRequest) -> Context:
    async def read(unit: Unit) -> Context:
        context = await frame(unit, request, page="now", title="Now")
        wanted = IncidentFilter(statuses=tuple(sorted(ACTIVE)), limit=OPEN_SHOWN + 1)
        found = await command.incident_list(unit, wanted)
        mine = {
            one.reference
            for one in found
            if unit.actor.person_id in (*one.responders, one.acknowledged_by)
        }
        on_call = await oncall.on_call_now(unit)
        return context | {
            "incidents": in_order(await rows(unit, found[:OPEN_SHOWN])),
            "is_cut": len(found) > OPEN_SHOWN,
            "mine": mine if unit.actor.person_id else set(),
            "resolved": await command.resolved_incidents(unit, limit=RESOLVED_SHOWN),
            "on_call": duties(on_call, unit.config(Directory)),
        }

    context = await asking.run(read)
    return context | {
        "health": health(await asking.services.readiness()),
        "curl_line": curl_line(asking.services.settings.base_url),
    }


def curl_line(base_url: str) -> str:
    """Return a command that sends a first alert."""
    return (
        f"curl -X POST {base_url}/api/v2/alerts \\\n"
        '  -H "Authorization: Bearer $TOCSIN_TOKEN" \\\n'
        "  -H 'Content-Type: application/json' \\\n"
        f"  -d '{_ALERT}'"
    )


ROUTES: Final = (now, now_list)
