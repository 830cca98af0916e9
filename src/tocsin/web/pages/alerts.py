"""Alerts: the groups they stand in with filters in the URL, one of them whole, and acts on many."""

from collections.abc import Sequence
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Template
from msgspec import Struct

from tocsin.command import reads as command
from tocsin.kernel.errors import Invalid, NotFound
from tocsin.kernel.ids import IncidentId
from tocsin.kernel.unit import Unit
from tocsin.oncall import actions as oncalls
from tocsin.topology.model import Catalogue
from tocsin.triage import actions as triages
from tocsin.triage import reads as triage
from tocsin.triage.actions.asking import RESOLVE_MAX
from tocsin.triage.model import AlertState
from tocsin.web.alert_filters import AlertFilter
from tocsin.web.forms import lead, several, stay, text
from tocsin.web.pages.alert_lists import Chosen, gather, gather_detail, tabs
from tocsin.web.pages.frame import Context, frame
from tocsin.web.units import AnAsking, AnyRequest

Word = Annotated[str, QueryParameter(max_length=2048)]
Short = Annotated[str, QueryParameter(max_length=200)]
Ids = Annotated[UUID | None, QueryParameter()]


@get("/alerts")
async def alerts(  # noqa: PLR0913 - the filters
    asking: AnAsking,
    request: AnyRequest,
    *,
    show: Short = "firing",
    matchers: Annotated[str, QueryParameter(name="filter", max_length=2048)] = "",
    integration: Short = "",
    team: Short = "",
    service: Short = "",
    incident: Short = "",
    group: Ids = None,
    q: Word = "",
    alert: Ids = None,
    cursor: Short = "",
) -> Template:
    """Show the groups that hold what is asked for, newest first, and one alert beside them."""
    chosen = Chosen(
        state=AlertFilter(show) if show in list(AlertFilter) else AlertFilter.FIRING,
        matchers=matchers, integration=integration, team=team, service=service,
        incident=incident, group=group, text=q, alert=alert,
    )  # fmt: skip

    async def read(unit: Unit) -> Context:
        context = await frame(unit, request, page="alerts", title="Alerts")
        found = await gather(unit, chosen, cursor)
        detail = await _detail(unit, asking, chosen.alert)
        return context | found | {"chosen": chosen, "tabs": tabs(chosen), "detail": detail}

    return Template("alerts.html", context=await asking.run(read))


async def _detail(unit: Unit, asking: AnAsking, alert_id: UUID | None) -> Context | None:
    if alert_id is None:
        return None
    try:
        return await gather_detail(unit, asking.services.catalog, alert_id)
    except NotFound:  # gone, or not for this actor: the list stands for itself
        return None


@get("/alerts/{alert_id:uuid}")
async def alert(asking: AnAsking, request: AnyRequest, alert_id: FromPath[UUID]) -> Template:
    """Show one alert whole, with why each stage of triage did what it did."""

    async def read(unit: Unit) -> Context:
        context = await frame(unit, request, page="alerts", title="Alert")
        detail = await gather_detail(unit, asking.services.catalog, alert_id)
        return context | {"detail": detail, "title": detail["alert"].name}

    return Template("alert.html", context=await asking.run(read))


class _Picked(Struct, frozen=True):
    """What was selected: whole groups, and single alerts."""

    groups: tuple[UUID, ...]
    alerts: tuple[UUID, ...]


@post("/alerts/_many", status_code=303)
async def act_on_many(posting: AnAsking, request: AnyRequest) -> Response[Any]:
    """Acknowledge the incidents of what is selected, or resolve its alerts. Raises Invalid."""
    form = await request.form()
    picked = _Picked(_ids(several(form, "group")), _ids(several(form, "alert")))
    verb = text(form, "verb")
    if verb not in (*VERBS, "declare"):
        raise Invalid("choose acknowledge, resolve or declare", field="verb")
    if not picked.groups and not picked.alerts:
        raise Invalid("select at least one alert", field="alert")

    if verb == "declare":
        groups = await posting.run(lambda unit: _groups(unit, picked))
        return lead(request, "/declare?" + urlencode([("group", str(one)) for one in groups]))

    async def act(unit: Unit) -> None:
        await VERBS[verb](unit, picked)

    await posting.run(act)
    back = text(form, "back")
    return stay(request, f"/alerts?{back}" if back else "/alerts")


def _ids(values: Sequence[str]) -> tuple[UUID, ...]:
    try:
        return tuple(UUID(one) for one in values[:RESOLVE_MAX])
    except ValueError:
        raise Invalid("this is no alert; load the page again", field="alert") from None


async def _groups(unit: Unit, picked: _Picked) -> list[UUID]:
    """Return the groups of what is selected, those that the asker may see."""
    standing = await triage.alerts_by_id(unit, picked.alerts)
    groups = dict.fromkeys(
        (*picked.groups, *(one.group_id for one in standing if one.group_id))
    )
    return [one.id for one in await triage.groups(unit, list(groups))]


async def _acknowledge(unit: Unit, picked: _Picked) -> None:
    unit.require("page:acknowledge")
    found = await command.incident_of(unit, await _groups(unit, picked))
    if not found:
        raise Invalid("what is selected belongs to no incident", field="alert")
    for incident_id in dict.fromkeys(id_ for id_, _ in found.values()):
        await oncalls.acknowledge_incident(unit, IncidentId(incident_id), channel="web")


async def _resolve(unit: Unit, picked: _Picked) -> None:
    unit.require("alert:resolve")
    ids = list(picked.alerts)
    if picked.groups:
        wanted = triage.Filter(state=AlertState.FIRING, group_ids=picked.groups)
        found = await triage.filtered_alerts(unit, wanted, limit=RESOLVE_MAX + 1)
        ids += [one.id for one in found]
    team_of = unit.config(Catalogue).team_of
    await triages.resolve(unit, list(dict.fromkeys(ids)), team_of=team_of)


VERBS: Final = {"acknowledge": _acknowledge, "resolve": _resolve}
ROUTES: Final = (alerts, alert, act_on_many)
