"""Configuration over JSON: plan, apply, export, and one resource with its history."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from litestar import MediaType, Response, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body, QueryParameter

from tocsin.kernel.errors import Conflict, Invalid, NotFound, TooLarge
from tocsin.kernel.resources import Applied, Document, Plan, reads, yaml_text
from tocsin.kernel.resources.schema import json_schema
from tocsin.kernel.unit import Unit
from tocsin.web.api import paging
from tocsin.web.api.paging import CursorText, Limit
from tocsin.web.api.resource_shapes import (
    AppliedShape,
    Apply,
    PlanShape,
    ResourceList,
    ResourceRow,
    plan_shape,
    row_shape,
)
from tocsin.web.api.shapes import problems
from tocsin.web.askers import askers
from tocsin.web.units import AnAsking, Asking

OneKind = Annotated[
    str | None, QueryParameter(max_length=63, description="Only this kind, e.g. `Schedule`.")
]
LIMIT = 100
YAML = "application/yaml"
ADA = {
    "apiVersion": "tocsin/v1",
    "kind": "Person",
    "metadata": {"name": "ada"},
    "spec": {
        "displayName": "Ada Lovelace",
        "timezone": "Europe/London",
        "contact": [{"type": "email", "address": "ada@example.org"}],
    },
}
_SET = [
    Example(summary="one person", value={"documents": [ADA]}),
    Example(summary="all there is in files", value={"documents": [ADA], "prune": True}),
]


@get("/resources", tags=["resources"], responses=problems(Invalid))
async def list_resources(
    asking: AnAsking, kind: OneKind = None, limit: Limit = LIMIT, cursor: CursorText = None
) -> ResourceList:
    """List what is in force, by kind and name."""
    start = paging.decode_as(cursor, tuple[str, str])

    async def read(unit: Unit) -> list[ResourceRow]:
        found = await reads.listed(unit, kind)
        rest = [one for one in found if start is None or (one.kind, one.name) > start]
        asker = await askers(unit)
        return [row_shape(one, asker) for one in rest[: limit + 1]]

    found = await asking.run(read)
    part = found[:limit]
    after = paging.encode((part[-1].kind, part[-1].name)) if len(found) > limit else None
    return ResourceList(items=tuple(part), next=after)


@get("/resources/schema", tags=["resources"], responses=problems())
async def resource_schema(asking: AnAsking) -> dict[str, Any]:
    """Return the JSON Schema by which editors complete and check documents."""

    async def read(unit: Unit) -> dict[str, Any]:
        unit.require("resource:read")
        return json_schema(asking.services.store.kinds.values())

    return await asking.run(read)


@get(
    "/resources/export",
    tags=["resources"],
    media_type=MediaType.TEXT,
    responses={
        **problems(NotFound),
        200: ResponseSpec(
            str, description="YAML documents.", media_type=YAML, generate_examples=False
        ),
    },
)
async def export_resources(asking: AnAsking, kind: OneKind = None) -> Response[str]:
    """Return what is in force, and what is scheduled, as YAML documents.

    Private fields are there only for who may apply them, and secrets for nobody: `…` stands for
    one, and keeps it when it is applied.
    """

    async def read(unit: Unit) -> list[Document]:
        return await reads.exported(unit, asking.services.store, kind)

    text = yaml_text.write(await asking.run(read))
    return Response(text, media_type=f"{YAML}; charset=utf-8")


@post("/resources/plan", tags=["resources"], status_code=200,
      responses=problems(Invalid, Conflict, TooLarge))  # fmt: skip
async def plan_resources(
    asking: AnAsking, data: Annotated[Apply, Body(examples=_SET)]
) -> PlanShape:
    """Say what an apply would do, and change nothing."""

    async def read(unit: Unit) -> Plan:
        return await asking.services.store.plan(unit, data.documents, prune=data.prune)

    return plan_shape(await asking.run(read))


@post("/resources/apply", tags=["resources"], status_code=200,
      responses=problems(Invalid, Conflict, TooLarge))  # fmt: skip
async def apply_resources(
    asking: AnAsking, data: Annotated[Apply, Body(examples=_SET)]
) -> AppliedShape:
    """Create or change resources; the same again changes nothing. In force when this answers.

    They are managed by files from then on. A document with `metadata.effectiveFrom` to come is
    scheduled.
    """

    async def act(unit: Unit) -> Applied:
        return await asking.services.store.apply(unit, data.documents, prune=data.prune)

    return await done(asking, act)


async def done(asking: Asking, act: Callable[[Unit], Awaitable[Applied]]) -> AppliedShape:
    """Change it, and let this process take over what is in force now."""
    applied = await asking.run(act)
    async with asking.services.db.connection() as conn:
        await asking.services.store.refresh(conn)
    return AppliedShape(
        revision=applied.revision, changed=applied.changed, changes=applied.changes,
        warnings=applied.warnings,
    )  # fmt: skip


ROUTES = [list_resources, resource_schema, export_resources, plan_resources, apply_resources]
