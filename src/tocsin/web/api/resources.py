"""Configuration over JSON: apply resources, all or none."""

from typing import Annotated

from litestar import post
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import Body, SkipValidation

from tocsin.kernel.errors import Conflict, Invalid
from tocsin.kernel.resources import Applied
from tocsin.kernel.unit import Unit
from tocsin.web.api.shapes import AppliedShape, Apply, problems
from tocsin.web.units import Asking

AnAsking = NamedDependency[SkipValidation[Asking]]
_ADA = {
    "apiVersion": "tocsin/v1",
    "kind": "Person",
    "metadata": {"name": "ada"},
    "spec": {
        "displayName": "Ada Lovelace",
        "timezone": "Europe/London",
        "contact": [{"type": "email", "address": "ada@example.org"}],
    },
}


@post(
    "/resources/apply",
    tags=["resources"],
    status_code=200,
    responses=problems(Invalid, Conflict),
)
async def apply_resources(
    asking: AnAsking,
    data: Annotated[
        Apply, Body(examples=[Example(summary="one person", value={"documents": [_ADA]})])
    ],
) -> AppliedShape:
    """Create or change resources; the same again changes nothing. In force when this answers."""

    async def act(unit: Unit) -> Applied:
        return await asking.services.store.apply(unit, data.documents)

    applied = await asking.run(act)
    async with asking.services.db.connection() as conn:
        await asking.services.store.refresh(conn)
    return AppliedShape(
        revision=applied.revision, changed=applied.changed, changes=applied.changes
    )


ROUTES = [apply_resources]
