"""What every signed-in page shows around its content."""

from typing import Any

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from msgspec import Struct

from tocsin.command import reads as command
from tocsin.kernel import live
from tocsin.kernel.actor import Actor
from tocsin.kernel.unit import Unit
from tocsin.oncall import reads as oncall
from tocsin.oncall.core.config import Directory
from tocsin.web.csrf import field_of
from tocsin.web.units import Asking

Asked = NamedDependency[SkipValidation[Asking]]
AnyRequest = Request[Any, Any, Any]
Context = dict[str, object]


class Me(Struct, frozen=True):
    """Who looks at the page."""

    name: str
    role: str


async def frame(unit: Unit, request: AnyRequest, *, page: str, title: str) -> Context:
    """Gather the frame; call it before anything else is read.

    The stream goes on from its `last_seq`, so what moves while the page is read is told again.
    """
    return {
        "last_seq": await live.last_seq(unit.conn),
        "live_url": "/live",
        "banner": await _banner(unit),
        "csrf": field_of(request),
        "me": _me(unit.actor, unit.config(Directory)),
        "page": page,
        "title": title,
    }


def _me(actor: Actor, directory: Directory) -> Me:
    name = directory.name_of(actor.person_id) if actor.person_id else actor.name
    return Me(name, actor.role)


async def _banner(unit: Unit) -> str | None:
    unpageable = set(await oncall.unpageable_incidents(unit))
    if not unpageable:
        return None
    found = [one for one in await command.open_incidents(unit) if one.id in unpageable]
    names = ", ".join(incident.reference for incident in found) or "an incident"
    return f"UNPAGEABLE: {names} reaches nobody. Somebody must look now."
