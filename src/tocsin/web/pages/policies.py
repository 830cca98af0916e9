"""Policies and routes: whom today pages, how alerts are sorted, and trying one without sending it."""

from collections.abc import Sequence
from typing import Annotated, Final

from litestar import get
from litestar.params import QueryParameter
from litestar.response import Template
from msgspec import Struct

from tocsin.kernel.durations import written
from tocsin.kernel.errors import Invalid
from tocsin.kernel.unit import Unit
from tocsin.oncall import reads as oncall
from tocsin.oncall.core.config import Directory
from tocsin.triage import reads as triage
from tocsin.triage.core.matchers import spell
from tocsin.triage.model import MatchOp, Route, Routing
from tocsin.web.alert_filters import read_matchers
from tocsin.web.api.route_shapes import Tried
from tocsin.web.api.routes import LATELY, tried
from tocsin.web.ladders import policy_line
from tocsin.web.pages.frame import Context, frame
from tocsin.web.units import AnAsking, AnyRequest

LINES_SHOWN = 100
Labels = Annotated[str, QueryParameter(name="try", max_length=4096)]


class RouteView(Struct, frozen=True, kw_only=True):
    """One route, in words."""

    name: str
    matchers: tuple[str, ...]
    policy: str
    goes_on: bool
    urgency_words: str
    grouped_words: str
    timing_words: tuple[str, ...]
    alerts_lately: int
    alerts_firing: int
    is_taken: bool


@get("/policies")
async def policies(asking: AnAsking, request: AnyRequest, labels: Labels = "") -> Template:
    """Show every policy as a line in time and every route in order; try labels where given."""

    async def read(unit: Unit) -> Context:
        unit.require("resource:read")
        context = await frame(unit, request, page="policies", title="Policies and routes")
        directory, routing = await oncall.directory(unit), unit.config(Routing)
        found = sorted(directory.policies.values(), key=lambda one: one.name)
        result, problem = await _tried(unit, labels)
        counts = await triage.route_counts(unit, unit.now - LATELY)
        taken = result.taken if result else ()
        return context | {
            "offset": offset,
            "span": written,
            "policies": [policy_line(one, directory, unit.now) for one in found[:LINES_SHOWN]],
            "routes": [
                _route(one, counts.get(one.name), directory, taken)
                for one in (*routing.routes, routing.default)
            ],
            "labels": labels,
            "tried": result,
            "problem": problem,
            "lately_days": LATELY.days,
            "may_apply": unit.actor.may("resource:apply"),
        }

    return Template("policies.html", context=await asking.run(read))


async def _tried(unit: Unit, text: str) -> tuple[Tried | None, str]:
    """Try the labels of a box; what cannot be read is said beside it."""
    if not text.strip():
        return None, ""
    try:
        found = read_matchers([text.replace("\r\n", "\n").replace("\n", ",")])
    except Invalid as invalid:
        return None, invalid.detail
    if not found or any(one.op is not MatchOp.EQUAL for one in found):
        return None, 'an alert has labels, each with one value: service="checkout"'
    return await tried(unit, {one.name: one.value for one in found}), ""


def _route(
    route: Route,
    count: triage.RouteCount | None,
    directory: Directory,
    taken: Sequence[str],
) -> RouteView:
    return RouteView(
        name=route.name,
        matchers=tuple(map(spell, route.matchers)),
        policy=directory.policy(route.policy).name,
        goes_on=route.goes_on,
        urgency_words=f"always {route.urgency} urgency" if route.urgency else "by severity",
        grouped_words=_grouped(route),
        timing_words=tuple(_timing(route)),
        alerts_lately=count.alert_count if count else 0,
        alerts_firing=count.firing_count if count else 0,
        is_taken=route.name in taken,
    )


def _grouped(route: Route) -> str:
    if route.group_by is None:
        return "by service, else by alertname"
    if "..." in route.group_by:
        return "each alert by itself"
    return f"by {', '.join(route.group_by)}" if route.group_by else "all as one"


def _timing(route: Route) -> list[str]:
    found = []
    if route.group_wait_s:
        found.append(f"waits {written(route.group_wait_s)} before it calls")
    found.append(f"tells of more every {written(route.group_interval_s)}")
    if route.repeat_interval_s:
        found.append(f"calls again after {written(route.repeat_interval_s)}")
    return found


def offset(seconds: int) -> str:
    """Write how long after the first call a step comes."""
    return "at once" if seconds == 0 else f"+{written(seconds)}"


ROUTES: Final = (policies,)
