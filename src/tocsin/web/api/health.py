"""What machines ask without a session: alive, ready, metrics, and the table of error codes."""

from ipaddress import ip_address
from typing import Any

from litestar import MediaType, Request, Response, get

from tocsin.kernel import errors, metrics
from tocsin.kernel.errors import Forbidden
from tocsin.web.services import Readiness
from tocsin.web.units import actor_of, services_of

_METRICS_TYPE = "text/plain; version=0.0.4"
_NEVER = {"cache-control": "no-store"}
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


@get("/health/live", tags=["health"], media_type=MediaType.TEXT)
async def live() -> str:
    """Answer "ok" while this process runs."""
    return "ok"


@get("/health/started", tags=["health"], media_type=MediaType.TEXT)
async def started() -> str:
    """Answer "ok" once there was a database, and 503 before: for whoever spreads requests."""
    return "ok"


@get("/health/ready", tags=["health"])
async def ready(request: Request[Any, Any, Any]) -> Response[Readiness]:
    """Answer 200 only while alerts can be taken and pages sent, else 503; the body says why."""
    found = await services_of(request.app.state).readiness()
    return Response(found, status_code=200 if found.ready else 503, headers=_NEVER)


@get("/metrics", tags=["health"], media_type=MediaType.TEXT)
async def show_metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Give metrics in Prometheus' text format; off loopback for who may read the log."""
    services = services_of(request.app.state)
    if not (_is_loopback(request) and services.settings.is_local):
        actor = await actor_of(request)
        if not actor.may_on("log:read", None):
            raise Forbidden(f"{actor.name} ({actor.role}) may not log:read")
    await services.readiness()  # measures the lags that the gauges show
    return Response(metrics.render(), media_type=_METRICS_TYPE, headers=_NEVER)


def _is_loopback(request: Request[Any, Any, Any]) -> bool:
    """Say whether the asker is on this machine; through a proxy nobody is."""
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False


@get("/errors", tags=["health"], media_type=MediaType.TEXT)
async def list_errors() -> str:
    """List the codes that problems carry: code, HTTP status, exit code of the CLI, title."""
    return "".join(
        f"{kind.code:<16} {kind.status}  {kind.exit_code}  {kind.title}\n"
        for kind in errors.ALL
    )


ROUTES = [live, started, ready, show_metrics, list_errors]
