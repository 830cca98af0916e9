"""The JSON API under /api/v1, and the plain paths that machines ask: health, metrics, errors."""

from litestar import Router

from tocsin.web.api import access, alerts, health, incidents, oncall, resources

ROUTES = [
    Router(
        path="/api/v1",
        route_handlers=[
            *incidents.ROUTES,
            *alerts.ROUTES,
            *oncall.ROUTES,
            *resources.ROUTES,
            *access.ROUTES,
        ],
        security=[{"bearer": []}],
    ),
    *health.ROUTES,
]
