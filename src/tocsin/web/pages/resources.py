"""Resources: all configuration by kind, and one resource with its history and differences."""

from typing import Annotated, Final

from litestar import get
from litestar.params import FromPath, QueryParameter
from litestar.response import Template

from tocsin.kernel.errors import NotFound
from tocsin.kernel.resources import Document, Store, reads, yaml_text
from tocsin.kernel.resources.past import Known
from tocsin.kernel.unit import Unit
from tocsin.web.askers import askers
from tocsin.web.pages.frame import Context, frame
from tocsin.web.pages.resource_views import (
    Line,
    coming_views,
    difference,
    kind_views,
    past_views,
)
from tocsin.web.units import AnAsking, AnyRequest

PAGE = "resources"
WHOLE = 100_000  # lines around a change: all of them
Version = Annotated[int | None, QueryParameter(ge=1, le=2**31 - 1)]


@get("/resources")
async def resources(asking: AnAsking, request: AnyRequest) -> Template:
    """Show everything that is configured, by kind."""

    async def read(unit: Unit) -> Context:
        context = await frame(unit, request, page=PAGE, title="Resources")
        found = await reads.listed(unit)
        return context | {
            "kinds": kind_views(found, await askers(unit)),
            "count": len(found),
            "can_apply": unit.actor.may("resource:apply"),
            "known_kinds": sorted(asking.services.store.kinds),
        }

    return Template("resources.html", context=await asking.run(read))


@get("/resources/{kind:str}/{name:str}")
async def resource(
    asking: AnAsking,
    request: AnyRequest,
    kind: FromPath[str],
    name: FromPath[str],
    old: Version = None,
    new: Version = None,
) -> Template:
    """Show one resource, what it was, and how two versions differ. Raises NotFound."""
    store = asking.services.store

    async def read(unit: Unit) -> Context:
        context = await frame(unit, request, page=PAGE, title=f"{kind}/{name}")
        found = await reads.history(unit, store, kind, name)
        asker = await askers(unit)
        text, withheld = await _now(unit, store, found.known)
        return context | {
            "kind": kind,
            "name": name,
            "known": found.known,
            "text": text,
            "withheld": withheld,
            "versions": past_views(found, asker),
            "coming": coming_views(found.scheduled, asker),
            "can_apply": unit.actor.may("resource:apply"),
            "old": old,
            "new": new,
            "lines": await _compared(unit, store, (kind, name), (old, new)),
        }

    return Template("resource.html", context=await asking.run(read))


async def _now(
    unit: Unit, store: Store, known: Known | None
) -> tuple[str | None, tuple[str, ...]]:
    """Return the YAML of what is in force, None if nothing is, and what it leaves out."""
    if known is None or known.deleted:
        return None, ()
    found = await reads.shown(unit, store, known.kind, known.name)
    return yaml_text.write([found.document]), found.withheld


async def _compared(
    unit: Unit, store: Store, key: tuple[str, str], numbers: tuple[int | None, int | None]
) -> list[Line] | None:
    old, new = numbers
    if old is None or new is None:
        return None
    before, after = await reads.versions(unit, store, *key, [old, new])
    return difference(_spec(before), _spec(after), WHOLE)


def _spec(document: Document) -> str:
    return yaml_text.write([document])


async def known(unit: Unit, store: Store, kind: str, name: str) -> Known:
    """Return what is in force by that name. Raises NotFound."""
    if kind not in store.kinds:
        raise NotFound(f"there is no kind {kind!r}")
    return (await reads.shown(unit, store, kind, name)).known


ROUTES: Final = (resources, resource)
