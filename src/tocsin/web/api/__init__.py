"""The JSON API under /api/v1, and the plain paths that machines ask: health, metrics, errors."""

from litestar import Router
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ControllerRouterHandler

import tocsin
from tocsin.web.api import (
    access,
    agreements,
    alerts,
    assurance,
    calendars,
    contacts,
    docs,
    health,
    heartbeats,
    imports,
    incident_parts,
    incident_verbs,
    incidents,
    integrations,
    me,
    notify,
    oncall,
    page_verbs,
    people,
    resource,
    resources,
    routes,
    schedules,
    search,
    services,
    system,
    webpush,
)
from tocsin.web.api.docs import Described
from tocsin.web.api.idempotency import Once

ROUTES: list[ControllerRouterHandler] = [
    Router(
        path="/api/v1",
        route_handlers=[
            *incidents.ROUTES,
            *incident_verbs.ROUTES,
            *incident_parts.ROUTES,
            *search.ROUTES,
            *alerts.ROUTES,
            *oncall.ROUTES,
            *page_verbs.ROUTES,
            *schedules.ROUTES,
            *agreements.ROUTES,
            *calendars.ROUTES,
            *imports.ROUTES,
            *integrations.ROUTES,
            *heartbeats.ROUTES,
            *resources.ROUTES,
            *resource.ROUTES,
            *routes.ROUTES,
            *assurance.ROUTES,
            *services.ROUTES,
            *access.ROUTES,
            *me.ROUTES,
            *people.ROUTES,
            *notify.ROUTES,
            *contacts.ROUTES,
            *webpush.ROUTES,
            *system.ROUTES,
        ],
        middleware=[Once()],
        security=[{"bearer": []}],
    ),
    Router(path="/api/v1", route_handlers=[*access.OPEN_ROUTES, *webpush.OPEN_ROUTES]),
    *calendars.OPEN_ROUTES,
    *health.ROUTES,
    *docs.ROUTES,
]

# a path of its own: Litestar answers all that is unknown below it, and in HTML
OPENAPI = OpenAPIConfig(
    title="Tocsin",
    version=tocsin.__version__,
    description="Detect, page, respond, prove. Problems are RFC 9457; their codes: /errors.",
    path="/api/v1/openapi.json",
    render_plugins=[Described(path="/")],
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
