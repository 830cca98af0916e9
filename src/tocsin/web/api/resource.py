"""One resource over JSON: show it, write it with optimistic locking, its history and rollback."""

from typing import Annotated

from litestar import Response, delete, get, post, put
from litestar.openapi.spec import Example
from litestar.params import Body, HeaderParameter, PathParameter, QueryParameter

from tocsin.kernel.errors import Conflict, Invalid, NotFound, PreconditionFailed, TooLarge
from tocsin.kernel.resources import Applied, Document, reads
from tocsin.kernel.unit import Unit
from tocsin.web.api.etags import etag, expected_version
from tocsin.web.api.resource_shapes import (
    AppliedShape,
    HistoryShape,
    ResourceShape,
    Rollback,
    history_shape,
    resource_shape,
)
from tocsin.web.api.resources import ADA, done
from tocsin.web.api.shapes import problems
from tocsin.web.askers import askers
from tocsin.web.units import AnAsking, AnyRequest, Asking

Kind = Annotated[
    str,
    PathParameter(
        description="The kind, as documents write it.",
        max_length=63,
        examples=[Example(summary="a person", value="Person")],
    ),
]
Name = Annotated[
    str,
    PathParameter(
        description="`metadata.name`.",
        max_length=63,
        examples=[Example(summary="a name", value="ada")],
    ),
]
TakeOver = Annotated[
    bool,
    QueryParameter(
        description="Edit it although a file manages it; the next apply takes it back."
    ),
]
IfMatch = Annotated[
    str | None,
    HeaderParameter(
        name="if-match",
        description="The `ETag` of the version you have seen; `*`: any will do.",
        max_length=40,
    ),
]
PUT_NOTE = (
    "this resource exists: send `If-Match` with its `ETag`, or `*` to overwrite any version"
)
_WRITE = (Invalid, Conflict, NotFound, PreconditionFailed, TooLarge)


@get("/resources/{kind:str}/{name:str}", tags=["resources"], responses=problems(NotFound))
async def show_resource(asking: AnAsking, kind: Kind, name: Name) -> Response[ResourceShape]:
    """Show one resource; its `ETag` is its version."""
    return await _shown(asking, kind, name)


@put(
    "/resources/{kind:str}/{name:str}",
    tags=["resources"],
    responses=problems(*_WRITE),
)
async def put_resource(  # noqa: PLR0913 - the parts of the request
    *,
    asking: AnAsking,
    request: AnyRequest,
    kind: Kind,
    name: Name,
    data: Annotated[Document, Body(examples=[Example(summary="one person", value=ADA)])],
    take_over: TakeOver = False,
    if_match: IfMatch = None,
) -> Response[ResourceShape]:
    """Create or replace one resource, managed on screen and by PUT.

    To replace one, send `If-Match`. Without it the resource must be new.
    """
    if data.key != (kind, name):
        raise Invalid(
            f"the document is of {'/'.join(data.key)}; write {kind}/{name}, as in the path",
            field="metadata.name",
        )
    seen = expected_version(request) if if_match is not None else 0

    async def act(unit: Unit) -> Applied:
        store = asking.services.store
        try:
            return await store.put(unit, data, seen=seen, take_over=take_over)
        except PreconditionFailed as error:
            raise PreconditionFailed(error.detail if if_match else PUT_NOTE) from error

    await done(asking, act)
    return await _shown(asking, kind, name)


@delete(
    "/resources/{kind:str}/{name:str}",
    tags=["resources"],
    status_code=200,
    responses=problems(*_WRITE),
)
async def delete_resource(
    *,
    asking: AnAsking,
    request: AnyRequest,
    kind: Kind,
    name: Name,
    take_over: TakeOver = False,
    if_match: IfMatch = None,  # noqa: ARG001 - read from the request, described here
) -> AppliedShape:
    """Delete a resource that nothing points at, with what is scheduled for it."""
    seen = expected_version(request)

    async def act(unit: Unit) -> Applied:
        store = asking.services.store
        return await store.delete(unit, kind, name, seen=seen, take_over=take_over)

    return await done(asking, act)


@get("/resources/{kind:str}/{name:str}/history", tags=["resources"],
     responses=problems(NotFound))  # fmt: skip
async def resource_history(asking: AnAsking, kind: Kind, name: Name) -> HistoryShape:
    """Show the newest versions: who, when and what; and what is to come."""

    async def read(unit: Unit) -> HistoryShape:
        found = await reads.history(unit, asking.services.store, kind, name)
        return history_shape((kind, name), found, await askers(unit))

    return await asking.run(read)


@post("/resources/{kind:str}/{name:str}/rollback", tags=["resources"], status_code=200,
      responses=problems(*_WRITE))  # fmt: skip
async def rollback_resource(  # noqa: PLR0913 - the parts of the request
    *,
    asking: AnAsking,
    request: AnyRequest,
    kind: Kind,
    name: Name,
    data: Annotated[Rollback, Body(examples=[Example(summary="version 3", value={"to": 3})])],
    take_over: TakeOver = False,
    if_match: IfMatch = None,  # noqa: ARG001 - read from the request, described here
) -> AppliedShape:
    """Make an older version a new one; private fields stay as they are."""
    seen = expected_version(request)

    async def act(unit: Unit) -> Applied:
        store = asking.services.store
        return await store.rollback(
            unit, kind, name, to=data.to, seen=seen, take_over=take_over
        )

    return await done(asking, act)


@delete("/resources/{kind:str}/{name:str}/scheduled", tags=["resources"], status_code=200,
        responses=problems(NotFound))  # fmt: skip
async def cancel_scheduled(asking: AnAsking, kind: Kind, name: Name) -> AppliedShape:
    """Cancel everything that is scheduled for a resource, and what has failed."""

    async def act(unit: Unit) -> Applied:
        return await asking.services.store.cancel(unit, kind, name)

    return await done(asking, act)


async def _shown(asking: Asking, kind: str, name: str) -> Response[ResourceShape]:
    async def read(unit: Unit) -> ResourceShape:
        found = await reads.shown(unit, asking.services.store, kind, name)
        return resource_shape(found, await askers(unit))

    found = await asking.run(read)
    return Response(found, headers={"etag": etag(found.version)})


ROUTES = [
    show_resource,
    put_resource,
    delete_resource,
    resource_history,
    rollback_resource,
    cancel_scheduled,
]
