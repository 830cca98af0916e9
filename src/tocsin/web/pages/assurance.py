"""Will this page someone? Every path of alerts, proven or with the times at which it wakes nobody."""

from datetime import timedelta
from typing import Annotated, Final

from litestar import get
from litestar.params import QueryParameter
from litestar.response import Template

from tocsin.kernel.unit import Unit
from tocsin.oncall import reads as oncall
from tocsin.oncall.core.assurance import Outcome
from tocsin.web.ahead import directories, with_people
from tocsin.web.pages.assurance_views import line_views
from tocsin.web.pages.frame import Context, frame
from tocsin.web.units import AnAsking, AnyRequest

Now = Annotated[str, QueryParameter(max_length=10)]
TITLE = "Will this page someone?"


@get("/assurance")
async def assurance(asking: AnAsking, request: AnyRequest, now: Now = "") -> Template:
    """Show the last nightly check, or one that is made now."""
    services = asking.services

    async def read(unit: Unit) -> Context:
        unit.require("oncall:read")
        context = await frame(unit, request, page="assurance", title=TITLE)
        kept = await oncall.last_assurance(unit)
        found = kept if kept and not now else await services.assurances.check(unit)
        coming = await directories(unit, services.store, found.end_at)
        directory = with_people(await oncall.directory(unit), coming)
        people = unit.actor.may("person:read")
        counts = [one.outcome for one in found.lines]
        return context | {
            "is_kept": found is kept,
            "kept": kept,
            "checked_at": found.start_at,
            "days": round((found.end_at - found.start_at) / timedelta(days=1)),
            "is_proven": found.is_proven,
            "lost": counts.count(Outcome.LOST),
            "late": counts.count(Outcome.LATE),
            "lines": list(line_views(found, directory, people=people)),
        }

    return Template("assurance.html", context=await asking.run(read))


ROUTES: Final = (assurance,)
