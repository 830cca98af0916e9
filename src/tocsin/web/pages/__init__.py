"""The screens: server-rendered pages that stay live."""

from litestar import Router
from litestar.di import Provide
from litestar.types import ControllerRouterHandler

from tocsin.web.csrf import posting
from tocsin.web.pages import access, alerts, incidents, live, now, oncall
from tocsin.web.templating import require_assets

ROUTES: list[ControllerRouterHandler] = [
    Router(
        path="/",
        route_handlers=[
            *now.ROUTES,
            *incidents.ROUTES,
            *alerts.ROUTES,
            *oncall.ROUTES,
            *access.ROUTES,
            *live.ROUTES,
        ],
        dependencies={"posting": Provide(posting)},
        before_request=require_assets,
        include_in_schema=False,
    )
]
