"""The JSON API under /api/v1, and the plain paths that machines ask: health, metrics, errors."""

from litestar import Router
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ControllerRouterHandler

import tocsin
from tocsin.web.api import access, alerts, health, incidents, oncall, resources

ROUTES: list[ControllerRouterHandler] = [
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

# a path of its own: Litestar answers all that is unknown below it, and in HTML
OPENAPI = OpenAPIConfig(
    title="Tocsin",
    version=tocsin.__version__,
    description="Detect, page, respond, prove. Problems are RFC 9457; their codes: /errors.",
    path="/api/v1/openapi.json",
    render_plugins=[JsonRenderPlugin(path="/")],
    use_handler_docstrings=True,
    components=Components(
        security_schemes={
            "bearer": SecurityScheme(
                type="http",
                scheme="bearer",
                description="`tocsin token create NAME --role ROLE`",
            )
        }
    ),
)
