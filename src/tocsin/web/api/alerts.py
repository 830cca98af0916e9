"""Alerts over JSON: list, and why each became what it is."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, SkipValidation

import tocsin.command.reads as command
import tocsin.triage.reads as triage
from tocsin.kernel.errors import Invalid, NotFound
from tocsin.kernel.unit import Unit
from tocsin.triage.model import Alert
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
from tocsin.web.units import Asking

AnAsking = NamedDependency[SkipValidation[Asking]]


class AlertFilter(StrEnum):
    """Which alerts a list holds."""

    FIRING = "firing"
    ALL = "all"


# Litestar keeps the argument's name `state` for itself
State = Annotated[
    AlertFilter, QueryParameter(name="state", description="Which alerts to list.")
]


def _key(alert: Alert) -> Cursor:
    return Cursor(alert.starts_at, alert.id)


@get("/alerts", tags=["alerts"], responses=problems(Invalid))
async def list_alerts(
    asking: AnAsking,
    which: State = AlertFilter.FIRING,
    limit: Limit = LIMIT,
    cursor: CursorText = None,
) -> AlertList:
    """List alerts, the one first heard of last comes first."""
    start = paging.decode(cursor)

    async def read(unit: Unit) -> Sequence[Alert]:
        return await triage.alerts(
            unit,
            firing_only=which is AlertFilter.FIRING,
            limit=limit + 1,
            before=start.id if start else None,
        )

    found = await asking.run(read)
    after = paging.encode(_key(found[limit - 1])) if len(found) > limit else None
    items = tuple(AlertShape(**alert_fields(one)) for one in found[:limit])
    return AlertList(items=items, next=after)


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


async def _incident(unit: Unit, group_id: UUID) -> IncidentShape | None:
    found = (await command.incident_of(unit, [group_id])).get(group_id)
    return incident_shape(await command.incident(unit, str(found[0]))) if found else None


def _reason(text: str) -> Reason:
    stage, _, decision = text.partition(": ")
    return Reason(stage=stage, decision=decision)


ROUTES = [list_alerts, show_alert]
