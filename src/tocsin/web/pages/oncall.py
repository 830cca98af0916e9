"""On-call: every schedule with its present shift and the next ones."""

from typing import Final

from litestar import get
from litestar.response import Template

from tocsin.kernel.unit import Unit
from tocsin.oncall import reads
from tocsin.oncall.core.config import Directory
from tocsin.web.pages.frame import AnyRequest, Asked, Context, frame
from tocsin.web.pages.list_views import horizon, schedule_view


@get("/oncall")
async def schedules(asking: Asked, request: AnyRequest) -> Template:
    """Show who is on call, and who comes after."""

    async def read(unit: Unit) -> Context:
        context = await frame(unit, request, page="oncall", title="On-call")
        directory = unit.config(Directory)
        found = []
        for rotation, shift in await reads.on_call_now(unit):
            end = horizon(rotation, unit.now)
            turns = await reads.shifts_between(unit, rotation, unit.now, end)
            found.append(schedule_view(rotation, shift, turns, directory))
        return context | {"schedules": found}

    return Template("oncall.html", context=await asking.run(read))


ROUTES: Final = (schedules,)
