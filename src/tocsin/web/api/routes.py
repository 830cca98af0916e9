"""Routes and policies over JSON: what there is, and what would become of an alert."""

from datetime import timedelta

from litestar import get, post
from litestar.params import FromPath, JSONBody

import tocsin.triage.reads as triage
from tocsin.kernel.errors import Invalid, NotFound
from tocsin.kernel.unit import Unit
from tocsin.oncall import reads as oncall
from tocsin.topology.model import Catalogue
from tocsin.triage.core.trying import try_labels
from tocsin.triage.model import Routing
from tocsin.web.api.route_shapes import (
    PolicyLines,
    PolicyLineShape,
    RouteList,
    RouteTry,
    Tried,
    policy_shape,
    route_shape,
    tried_routes,
)
from tocsin.web.api.shapes import problems
from tocsin.web.ladders import policy_line
from tocsin.web.units import AnAsking

LATELY = timedelta(days=7)


@get("/routes", tags=["routes"], responses=problems())
async def list_routes(asking: AnAsking) -> RouteList:
    """List the routes in the order in which they are asked, with what each took in seven days."""

    async def read(unit: Unit) -> RouteList:
        unit.require("resource:read")
        counts = await triage.route_counts(unit, unit.now - LATELY)
        routing = unit.config(Routing)
        routes = (*routing.routes, routing.default)
        return RouteList(items=tuple(route_shape(one, counts.get(one.name)) for one in routes))

    return await asking.run(read)


@post("/routes/try", tags=["routes"], status_code=200, responses=problems(Invalid))
async def try_routes(asking: AnAsking, data: JSONBody[RouteTry]) -> Tried:
    """Say which routes an alert with these labels takes, and whom that calls now. Changes nothing."""

    async def read(unit: Unit) -> Tried:
        unit.require("resource:read")
        return await tried(unit, data.labels)

    return await asking.run(read)


async def tried(unit: Unit, labels: dict[str, str]) -> Tried:
    """Walk routes and policies for `labels`, as they are configured now."""
    trial = try_labels(labels, unit.config(Routing))
    directory, catalogue = await oncall.directory(unit), unit.config(Catalogue)
    begins_at = unit.now + timedelta(seconds=trial.calls_after_s)
    service = catalogue.of(labels)
    called = {directory.policy(name).id: name for name in trial.placement.policies}
    return Tried(
        routes=tried_routes(trial),
        taken=trial.placement.routes,
        group_key=trial.placement.key,
        group_labels=dict(trial.placement.labels),
        urgency=trial.placement.urgency,
        reasons=trial.placement.reasons,
        calls_after_seconds=trial.calls_after_s,
        group_interval_seconds=trial.group_interval_s,
        repeat_interval_seconds=trial.repeat_interval_s,
        policies=tuple(
            policy_shape(policy_line(directory.policy(name), directory, begins_at), begins_at)
            for name in called.values()
        ),
        service=service.name if service else None,
        team=catalogue.team_of(labels),
    )


@get("/policies", tags=["routes"], responses=problems())
async def list_policies(asking: AnAsking) -> PolicyLines:
    """List the escalation policies, each with whom it would call from now on."""

    async def read(unit: Unit) -> PolicyLines:
        unit.require("oncall:read")
        directory = await oncall.directory(unit)
        found = sorted(directory.policies.values(), key=lambda one: one.name)
        return PolicyLines(
            items=tuple(
                policy_shape(policy_line(one, directory, unit.now), unit.now) for one in found
            )
        )

    return await asking.run(read)


@get("/policies/{name:str}", tags=["routes"], responses=problems(NotFound))
async def show_policy(asking: AnAsking, name: FromPath[str]) -> PolicyLineShape:
    """Show an escalation policy with whom it would call from now on."""

    async def read(unit: Unit) -> PolicyLineShape:
        unit.require("oncall:read")
        directory = await oncall.directory(unit)
        policy = directory.policies.get(name)
        if policy is None:
            raise NotFound(f"no policy {name}; `tocsin policy list` shows what there is")
        return policy_shape(policy_line(policy, directory, unit.now), unit.now)

    return await asking.run(read)


ROUTES = [list_routes, try_routes, list_policies, show_policy]
