"""Alerts: what has arrived, and why it was treated as it was."""

from typing import Final

from litestar import get
from litestar.response import Template

from tocsin.command import reads as command
from tocsin.kernel.unit import Unit
from tocsin.triage import reads as triage
from tocsin.web.pages.frame import AnyRequest, Asked, Context, frame
from tocsin.web.pages.list_views import alert_views

SHOWN = 200


@get("/alerts")
async def alerts(asking: Asked, request: AnyRequest) -> Template:
    """Show the newest alerts of any state."""

    async def read(unit: Unit) -> Context:
        context = await frame(unit, request, page="alerts", title="Alerts")
        found = await triage.alerts(unit, limit=SHOWN)
        group_ids = list({alert.group_id for alert in found if alert.group_id})
        groups = await triage.groups(unit, group_ids)
        incidents = await command.incident_of(unit, group_ids)
        return context | {"alerts": alert_views(found, groups=groups, incidents=incidents)}

    return Template("alerts.html", context=await asking.run(read))


ROUTES: Final = (alerts,)
