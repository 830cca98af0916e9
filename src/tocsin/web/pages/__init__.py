"""The screens: server-rendered pages that stay live."""

from litestar import Router
from litestar.di import Provide
from litestar.types import ControllerRouterHandler

from tocsin.web.csrf import posting
from tocsin.web.pages import (
    access,
    account,
    alerts,
    changes,
    contacts,
    declare,
    frame,
    inbox,
    incident_actions,
    incident_forms,
    incident_list,
    incidents,
    integrations,
    live,
    now,
    oncall,
    paging,
    people,
    policies,
    resource_edits,
    resource_returns,
    resources,
    search,
    services,
    sign_in,
    tokens,
    ui_kit,
)
from tocsin.web.templating import require_assets

ROUTES: list[ControllerRouterHandler] = [
    Router(
        path="/",
        route_handlers=[
            *frame.ROUTES,
            *now.ROUTES,
            *incident_list.ROUTES,
            *incidents.ROUTES,
            *incident_forms.ROUTES,
            *incident_actions.ROUTES,
            *declare.ROUTES,
            *search.ROUTES,
            *ui_kit.ROUTES,
            *alerts.ROUTES,
            *oncall.ROUTES,
            *policies.ROUTES,
            *services.ROUTES,
            *changes.ROUTES,
            *inbox.ROUTES,
            *contacts.ROUTES,
            *integrations.ROUTES,
            *resources.ROUTES,
            *resource_edits.ROUTES,
            *resource_returns.ROUTES,
            *access.ROUTES,
            *sign_in.ROUTES,
            *people.ROUTES,
            *tokens.ROUTES,
            *account.ROUTES,
            *live.ROUTES,
            *paging.ROUTES,
        ],
        dependencies={"posting": Provide(posting)},
        before_request=require_assets,
        include_in_schema=False,
    )
]
