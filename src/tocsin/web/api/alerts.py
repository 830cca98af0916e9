"""Alerts over JSON: list, why each became what it is, and resolve by hand."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

import tocsin.command.reads as command
import tocsin.triage.actions as triages
import tocsin.triage.reads as triage
from tocsin.kernel.errors import Invalid, NotFound
from tocsin.kernel.unit import Unit
from tocsin.topology.model import Catalogue
from tocsin.triage.actions.asking import RESOLVE_MAX
from tocsin.triage.model import Alert
from tocsin.web.alert_filters import TEXT_MAX, AlertFilter, parsed
from tocsin.web.alert_filters import Asked as AskedFor
from tocsin.web.api import paging
from tocsin.web.api.paging import LIMIT, Cursor, CursorText, Limit
from tocsin.web.api.shapes import (
    AlertList,
    AlertShape,
    AlertWhy,
    IncidentShape,
    Reason,
    alert_fields,
    group_shape,
    incident_shape,
    problems,
)
from tocsin.web.units import AnAsking

# Litestar keeps the argument's name `state` for itself
State = Annotated[
    AlertFilter, QueryParameter(name="state", description="Which alerts to list.")
]
Matchers = Annotated[
    list[str] | None,
    QueryParameter(
        name="filter",
        max_items=16,
        description='Matchers in Alertmanager\'s words, e.g. `severity=~"critical|page"`.',
    ),
]
Integration = Annotated[
    str, QueryParameter(max_length=200, description="Only what this integration sent.")
]
Team = Annotated[
    str, QueryParameter(max_length=200, description="Only what belongs to this team.")
]
ServiceName = Annotated[
    str, QueryParameter(max_length=200, description="Only what is about this service.")
]
Text = Annotated[
    str,
    QueryParameter(
        name="q",
        max_length=TEXT_MAX,
        description="Words of labels and annotations.",
    ),
]
InGroup = Annotated[
    UUID | None, QueryParameter(name="group", description="Only what stands in this group.")
]


class ToResolve(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The alerts to call over."""

    alerts: Annotated[list[UUID], Meta(min_length=1, max_length=RESOLVE_MAX)]


class Resolved(Struct, frozen=True, kw_only=True):
    """Which of them fired and are over now."""

    resolved: tuple[AlertShape, ...]


@get("/alerts", tags=["alerts"], responses=problems(Invalid))
async def list_alerts(  # noqa: PLR0913 - one for each filter of the address
    asking: AnAsking,
    *,
    which: State = AlertFilter.FIRING,
    matchers: Matchers = None,
    integration: Integration = "",
    team: Team = "",
    service: ServiceName = "",
    text: Text = "",
    group_id: InGroup = None,
    limit: Limit = LIMIT,
    cursor: CursorText = None,
) -> AlertList:
    """List alerts, the one first heard of last comes first."""
    start = paging.decode(cursor)
    asked = AskedFor(
        state=which, matchers=matchers or (), integration=integration, team=team,
        service=service, text=text, group_ids=(group_id,) if group_id else None,
    )  # fmt: skip

    async def read(unit: Unit) -> Sequence[Alert]:
        wanted = parsed(asked, unit.config(Catalogue))
        before = start.id if start else None
        return await triage.filtered_alerts(unit, wanted, limit=limit + 1, before=before)

    found = await asking.run(read)
    after = paging.encode(_key(found[limit - 1])) if len(found) > limit else None
    items = tuple(AlertShape(**alert_fields(one)) for one in found[:limit])
    return AlertList(items=items, next=after)


def _key(alert: Alert) -> Cursor:
    return Cursor(alert.starts_at, alert.id)


@get("/alerts/{alert_id:uuid}", tags=["alerts"], responses=problems(NotFound))
async def show_alert(asking: AnAsking, alert_id: FromPath[UUID]) -> AlertWhy:
    """Show an alert, what each stage of triage decided, and the incident it belongs to."""

    async def read(unit: Unit) -> AlertWhy:
        alert = await triage.alert(unit, alert_id)
        group, incident = None, None
        if alert.group_id is not None:
            group = group_shape(await triage.group(unit, alert.group_id))
            incident = await _incident(unit, alert.group_id)
        return AlertWhy(
            **alert_fields(alert),
            reasons=tuple(map(_reason, alert.reasons)),
            group=group,
            incident=incident,
        )

    return await asking.run(read)


@post(
    "/alerts/resolve", tags=["alerts"], status_code=200, responses=problems(NotFound, Invalid)
)
async def resolve_alerts(asking: AnAsking, data: JSONBody[ToResolve]) -> Resolved:
    """Call firing alerts over; they stay so until they fire anew, though their sender repeats them."""

    async def act(unit: Unit) -> list[Alert]:
        team_of = unit.config(Catalogue).team_of
        return await triages.resolve(unit, data.alerts, team_of=team_of)

    found = await asking.run(act)
    return Resolved(resolved=tuple(AlertShape(**alert_fields(one)) for one in found))


async def _incident(unit: Unit, group_id: UUID) -> IncidentShape | None:
    found = (await command.incident_of(unit, [group_id])).get(group_id)
    return incident_shape(await command.incident(unit, str(found[0]))) if found else None


def _reason(text: str) -> Reason:
    stage, _, decision = text.partition(": ")
    return (
        Reason(stage=stage, decision=decision) if decision else Reason(stage="", decision=text)
    )


ROUTES = [list_alerts, show_alert, resolve_alerts]
