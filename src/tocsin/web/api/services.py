"""Services over JSON: whose they are, what fires for them, and who is on call."""

from typing import Annotated, Any
from uuid import UUID

from litestar import get
from litestar.params import FromPath, QueryParameter
from msgspec import Struct

from tocsin.kernel.errors import NotFound
from tocsin.kernel.unit import Unit
from tocsin.topology.model import Catalogue
from tocsin.web.api.route_shapes import PolicyLineShape, policy_shape
from tocsin.web.api.shapes import problems
from tocsin.web.service_views import ServiceNow, services_now
from tocsin.web.units import AnAsking

Team = Annotated[str, QueryParameter(max_length=200, description="Only what this team owns.")]


class LinkShape(Struct, frozen=True, kw_only=True):
    """Something worth opening."""

    title: str
    url: str


class ServiceShape(Struct, frozen=True, kw_only=True):
    """A service in a list; `on_call` are those whom an urgent alert about it calls first."""

    id: UUID
    name: str
    display_name: str
    description: str
    owner: str | None
    tier: int | None
    labels: dict[str, tuple[str, ...]]
    alerts_firing: int
    open_incidents: tuple[str, ...]
    on_call: tuple[str, ...]


class ServiceList(Struct, frozen=True, kw_only=True):
    """Every service, by name."""

    items: tuple[ServiceShape, ...]


class ServiceDetail(ServiceShape, frozen=True, kw_only=True):
    """A service with where to look, and how alerts about it go."""

    links: tuple[LinkShape, ...]
    runbooks: tuple[str, ...]
    routes: tuple[str, ...]
    policies: tuple[PolicyLineShape, ...]


@get("/services", tags=["services"], responses=problems())
async def list_services(asking: AnAsking, team: Team = "") -> ServiceList:
    """List the services, each with what fires for it and who is on call."""

    async def read(unit: Unit) -> ServiceList:
        unit.require("service:read")
        catalogue = unit.config(Catalogue)
        every = sorted(catalogue.services.values(), key=lambda one: one.name)
        wanted = catalogue.owned_by(team) if team else every
        found = await services_now(unit, wanted)
        return ServiceList(items=tuple(ServiceShape(**_fields(one)) for one in found))

    return await asking.run(read)


@get("/services/{name:str}", tags=["services"], responses=problems(NotFound))
async def show_service(asking: AnAsking, name: FromPath[str]) -> ServiceDetail:
    """Show a service: its links and runbooks, and the routes and policies by which it pages."""

    async def read(unit: Unit) -> ServiceDetail:
        unit.require("service:read")
        service = unit.config(Catalogue).service(name)
        if service is None:
            raise NotFound(f"no service {name}; `tocsin service list` shows what there is")
        [found] = await services_now(unit, [service])
        return ServiceDetail(
            **_fields(found),
            links=tuple(LinkShape(title=one.title, url=one.url) for one in service.links),
            runbooks=service.runbooks,
            routes=found.routes,
            policies=tuple(policy_shape(line, unit.now) for line in found.policies),
        )

    return await asking.run(read)


def _fields(found: ServiceNow) -> dict[str, Any]:
    service = found.service
    return {
        "id": service.id,
        "name": service.name,
        "display_name": service.display_name,
        "description": service.description,
        "owner": service.owner,
        "tier": service.tier,
        "labels": dict(service.labels),
        "alerts_firing": found.alert_count,
        "open_incidents": tuple(one.reference for one in found.incidents),
        "on_call": found.on_call,
    }


ROUTES = [list_services, show_service]
