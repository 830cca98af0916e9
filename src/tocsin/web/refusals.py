"""Who tried what they may not: recorded after the answer, in a unit of its own."""

from typing import Any

from litestar import Request
from litestar.background_tasks import BackgroundTask

from tocsin.governance import actions as governance
from tocsin.kernel.actor import SYSTEM, Actor
from tocsin.kernel.logs import Log
from tocsin.kernel.unit import Unit
from tocsin.web.services import Services
from tocsin.web.units import ASKER

log = Log("web")


def recording(request: Request[Any, Any, Any]) -> BackgroundTask | None:
    """Return what records a refusal; None where nobody is known to have asked."""
    actor: Actor | None = request.scope["state"].get(ASKER)
    services: Services | None = request.app.state.get("services")
    if actor is None or services is None:
        return None
    route = str(request.scope.get("path_template", ""))
    return BackgroundTask(_record, services, actor, request.method, route)


async def _record(services: Services, actor: Actor, method: str, route: str) -> None:
    async def act(unit: Unit) -> None:
        await governance.note_refused(unit, actor, method=method, route=route)

    try:
        await services.units.run(SYSTEM, act)
    except Exception as error:  # noqa: BLE001 - door: the answer is out already
        log.error("refusal.unrecorded", error=error, route=route)
