"""Will this page someone? The check of all paths over JSON, and one page that nobody answers."""

from datetime import datetime
from typing import Annotated

from litestar import get
from litestar.params import FromPath, QueryParameter

from tocsin.kernel.errors import Invalid, NotFound
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall import reads as oncall
from tocsin.web import ahead
from tocsin.web.api.assurance_shapes import (
    AssuranceShape,
    SimulatedShape,
    assurance_shape,
    simulated_shape,
)
from tocsin.web.api.shapes import problems
from tocsin.web.units import AnAsking

Days = Annotated[
    int, QueryParameter(description="How many days ahead, 90 at most", ge=1, le=90)
]
Names = Annotated[
    list[str] | None,
    QueryParameter(name="name", description="Of a route or a policy; none: all"),
]
At = Annotated[
    datetime | None,
    QueryParameter(description="When the alert comes, RFC 3339; absent: now"),
]
OfUrgency = Annotated[Urgency, QueryParameter(description="high or low")]


@get("/policies/check", tags=["routes"], responses=problems(NotFound, Invalid))
async def check(asking: AnAsking, days: Days = 30, names: Names = None) -> AssuranceShape:
    """Prove that every alert of the next days reaches somebody who can be woken, or say when not.

    Looks at each route with its policy, schedules with all that was agreed beside them, what is
    scheduled to come into force, and the contact methods that are verified now.
    """
    services = asking.services

    async def read(unit: Unit) -> AssuranceShape:
        unit.require("oncall:read")
        found = await services.assurances.check(unit, days, names or ())
        coming = await ahead.directories(unit, services.store, found.end_at)
        directory = ahead.with_people(await oncall.directory(unit), coming)
        return assurance_shape(found, directory)

    return await asking.run(read)


@get("/policies/{name:str}/simulate", tags=["routes"], responses=problems(NotFound, Invalid))
async def simulate(
    asking: AnAsking, name: FromPath[str], at: At = None, urgency: OfUrgency = Urgency.HIGH
) -> SimulatedShape:
    """Say whom a policy would call when if nobody answered, rung by rung to its catch-all.

    Nobody is called. The present configuration answers, also for an instant of the last month. Who
    takes turns in a step is the first page's.
    """
    if at is not None and at.utcoffset() is None:
        raise Invalid("name the offset, as in 2026-12-24T09:00Z", field="at")

    async def read(unit: Unit) -> SimulatedShape:
        unit.require("oncall:read")
        moment = at or unit.now
        found, directory = await asking.services.assurances.simulate(
            unit, name, moment, urgency
        )
        return simulated_shape(found, name, urgency, directory)

    return await asking.run(read)


ROUTES = [check, simulate]
