"""Integrations and changes over JSON: how senders fare, trying a mapping out, what changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from litestar import get, post
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter, QueryParameter

from tocsin.kernel.errors import Invalid, NotFound
from tocsin.kernel.unit import Unit
from tocsin.signals import actions as signals
from tocsin.topology import reads as topology
from tocsin.topology.model import ChangeRecord
from tocsin.web.api import paging
from tocsin.web.api.integration_shapes import (
    ChangeList,
    IntegrationDetail,
    IntegrationList,
    TriedShape,
    Try,
    all_integrations,
    change_shape,
    one_integration,
    tried_shape,
)
from tocsin.web.api.paging import LIMIT, Cursor, CursorText, Limit
from tocsin.web.api.shapes import problems
from tocsin.web.units import AnAsking

Named = Annotated[
    str,
    PathParameter(
        description="The name that the sender's token carries.",
        examples=[Example(summary="a monitoring tool", value="grafana")],
    ),
]
OfService = Annotated[
    str | None,
    QueryParameter(name="service", description="Only of this service.", max_length=200),
]
_TRY = {
    "spec": {
        "type": "webhook",
        "mapping": {
            "labels": {"alertname": "item.title", "service": '"checkout"'},
            "dedupKey": "item.id",
            "firing": 'item.state == "alerting"',
        },
    },
    "payload": {"id": 7, "title": "Checkout is slow", "state": "alerting"},
}


@get("/integrations", tags=["integrations"], responses=problems())
async def list_integrations(asking: AnAsking) -> IntegrationList:
    """List the senders that are described or were heard of, by name."""

    async def read(unit: Unit) -> IntegrationList:
        return IntegrationList(tuple(await all_integrations(unit)))

    return await asking.run(read)


@get("/integrations/{name:str}", tags=["integrations"], responses=problems(NotFound))
async def show_integration(asking: AnAsking, name: Named) -> IntegrationDetail:
    """Show how a sender fares, with its newest errors."""
    base_url = asking.services.settings.base_url

    async def read(unit: Unit) -> IntegrationDetail:
        return await one_integration(unit, name, base_url)

    return await asking.run(read)


@post("/integrations/try", tags=["integrations"], status_code=200, responses=problems(Invalid))
async def try_integration(
    asking: AnAsking,
    data: Annotated[Try, Body(examples=[Example(summary="a JSON webhook", value=_TRY)])],
) -> TriedShape:
    """Say what signals a payload would make, or which expression is wrong; nothing is kept."""
    body = msgspec.json.encode(data.payload)

    async def act(unit: Unit) -> TriedShape:
        tried = await signals.try_out(unit, asking.services.webhook, data.spec, body)
        return tried_shape(tried, unit.now)

    return await asking.run(act)


def _key(change: ChangeRecord) -> Cursor:
    return Cursor(change.at, change.id)


@get("/changes", tags=["changes"], responses=problems(Invalid))
async def list_changes(
    asking: AnAsking,
    service: OfService = None,
    limit: Limit = LIMIT,
    cursor: CursorText = None,
) -> ChangeList:
    """List what was deployed, switched or configured, newest first."""
    start = paging.decode(cursor)

    async def read(unit: Unit) -> Sequence[ChangeRecord]:
        async def older(before: datetime | None, count: int) -> Sequence[ChangeRecord]:
            return await topology.changes(unit, service=service, before=before, limit=count)

        return await paging.walk(older, start, limit, _key, lambda _one: True)

    found, after = paging.cut(await asking.run(read), start, limit, _key)
    return ChangeList(items=tuple(map(change_shape, found)), next=after)


ROUTES = [list_integrations, show_integration, try_integration, list_changes]
