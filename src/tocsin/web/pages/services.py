"""Services: whose they are, what goes on around them, and one of them whole."""

from datetime import timedelta
from typing import Annotated, Any, Final

from litestar import get
from litestar.params import FromPath, QueryParameter
from litestar.response import Template

from tocsin.command import reads as command
from tocsin.kernel.errors import NotFound
from tocsin.kernel.unit import Unit
from tocsin.topology import reads as topology
from tocsin.topology.model import Catalogue
from tocsin.triage import reads as triage
from tocsin.triage.model import AlertState
from tocsin.web.pages.frame import Context, frame
from tocsin.web.pages.incidents import rows
from tocsin.web.pages.list_views import alert_views
from tocsin.web.service_views import services_now
from tocsin.web.units import AnAsking, AnyRequest

ALERTS_SHOWN = 20
INCIDENTS_SHOWN = 10
CHANGES_SHOWN = 10
SAMPLE = """\
apiVersion: tocsin/v1
kind: Service
metadata: {name: checkout}
spec:
  displayName: Checkout
  tier: 1
  links: [{title: Dashboard, url: "https://grafana.example.org/d/checkout"}]
  runbooks: ["https://wiki.example.org/checkout"]"""
CHANGES_LATELY = timedelta(days=14)
Team = Annotated[str, QueryParameter(max_length=200)]


@get("/services")
async def services(asking: AnAsking, request: AnyRequest, team: Team = "") -> Template:
    """Show every service, or those of one team."""

    async def read(unit: Unit) -> Context:
        unit.require("service:read")
        context = await frame(unit, request, page="services", title="Services")
        catalogue = unit.config(Catalogue)
        every = sorted(catalogue.services.values(), key=lambda one: one.name)
        wanted = catalogue.owned_by(team) if team else every
        owners = sorted({one.owner for one in every if one.owner})
        return context | {
            "services": await services_now(unit, wanted),
            "team": team,
            "sample": SAMPLE,
            "teams": [("", "Any team"), *((one, one) for one in owners)],
        }

    return Template("services.html", context=await asking.run(read))


@get("/services/{name:str}")
async def service(asking: AnAsking, request: AnyRequest, name: FromPath[str]) -> Template:
    """Show one service. Raises NotFound."""

    async def read(unit: Unit) -> Context:
        unit.require("service:read")
        found = unit.config(Catalogue).service(name)
        if found is None:
            raise NotFound(f"no service {name}; the list of services shows what there is")
        context = await frame(unit, request, page="services", title=found.display_name)
        [now] = await services_now(unit, [found])
        return context | {"now": now, "service": found} | await _around(unit, name)

    return Template("service.html", context=await asking.run(read))


async def _around(unit: Unit, name: str) -> dict[str, Any]:
    found = unit.config(Catalogue).services[name]
    around: dict[str, Any] = {"alerts": [], "incidents": [], "changes": None}
    if unit.actor.may("alert:read"):
        wanted = triage.Filter(state=AlertState.FIRING, any_of=(dict(found.labels),))
        alerts = await triage.filtered_alerts(unit, wanted, limit=ALERTS_SHOWN)
        around["alerts"] = alert_views(alerts)
    if unit.actor.may("incident:read"):
        filters = command.IncidentFilter(services=(name,), limit=INCIDENTS_SHOWN)
        around["incidents"] = await rows(unit, await command.incident_list(unit, filters))
    if unit.actor.may("change:read"):
        since = unit.now - CHANGES_LATELY
        around["changes"] = await topology.changes(
            unit, service=name, since=since, limit=CHANGES_SHOWN
        )
    return around


ROUTES: Final = (services, service)
