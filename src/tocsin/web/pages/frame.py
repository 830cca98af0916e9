"""What every signed-in page shows around its content."""

from typing import Annotated, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import get
from litestar.params import QueryParameter
from litestar.response import Template
from msgspec import Struct

from tocsin.command import reads as command
from tocsin.kernel import live
from tocsin.kernel.actor import Actor
from tocsin.kernel.unit import Unit
from tocsin.oncall import reads as oncall
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.effects import UnpageableReason
from tocsin.triage import reads as triage
from tocsin.web.csrf import field_of
from tocsin.web.pages.navigation import Badge, navigation
from tocsin.web.pages.schedule_bars import offset
from tocsin.web.units import AnAsking, AnyRequest, services_of

Context = dict[str, object]
_UNPAGEABLE = {  # the worst first
    UnpageableReason.NOBODY_REACHABLE: "nobody is on call who can be reached",
    UnpageableReason.ALL_FAILED: "no method took the page",
    UnpageableReason.UNANSWERED: "the page was sent, and nobody answers",
}
BADGE_MAX = 100  # more than a badge can tell
PageId = Annotated[str, QueryParameter(max_length=40)]


class Me(Struct, frozen=True, kw_only=True):
    """Who looks at the page, and until when they are on call ("": they are not), by their clock."""

    name: str
    role: str
    on_call_until: str
    can_declare: bool


class Held(Struct, frozen=True, kw_only=True):
    """Paging is held: since when (UTC), and whether by a restore."""

    since: str
    is_restored: bool
    can_release: bool


async def frame(unit: Unit, request: AnyRequest, *, page: str, title: str) -> Context:
    """Gather the frame; call it before anything else is read.

    The stream goes on from its `last_seq`, so what moves while the page is read is told again.
    """
    return {
        "last_seq": await live.last_seq(unit.conn),
        "live_url": "/live",
        "banner": await _banner(unit),
        "held": await _held(unit),
        "database": services_of(request.app.state).database_watch.banner,
        "troubles": [
            one[:1].upper() + one[1:] for one in services_of(request.app.state).troubles()
        ],
        "csrf": field_of(request),
        "title": title,
        **await _side(unit, page),
    }


@get("/_nav")
async def side(asking: AnAsking, request: AnyRequest, at: PageId = "") -> Template:
    """Show the side bar alone; `at` is the page it stands beside."""

    async def read(unit: Unit) -> Context:
        return {"csrf": field_of(request), **await _side(unit, at)}

    return Template("_nav.html", context=await asking.run(read))


async def _side(unit: Unit, page: str) -> Context:
    return {
        "me": await _me(unit),
        "page": page,
        "nav": navigation(unit.actor, page, await _badges(unit)),
    }


async def _me(unit: Unit) -> Me:
    actor = unit.actor
    directory = unit.config(Directory)
    return Me(
        name=directory.name_of(actor.person_id) if actor.person_id else actor.name,
        role=actor.role,
        on_call_until=await _on_call_until(unit, actor),
        can_declare=actor.may("incident:open"),
    )


async def _on_call_until(unit: Unit, actor: Actor) -> str:
    """Say until when the next page may go to this person, as the pager itself sees it.

    Other times around it are in UTC, so the clock is named.
    """
    if actor.person_id is None or not actor.may("oncall:read"):
        return ""
    shifts = [one.shift for one in await oncall.on_call_now(unit)]
    mine = [one.end_at for one in shifts if one and actor.person_id in one.people]
    me = unit.config(Directory).people.get(actor.person_id)
    if not mine or me is None:
        return ""
    local = max(mine).astimezone(ZoneInfo(me.zone))
    return f"{local:%a %H:%M} {offset(local)}"


async def _badges(unit: Unit) -> dict[str, Badge]:
    found: dict[str, Badge] = {}
    if unit.actor.may("incident:read"):
        found["incidents"] = await _open_badge(unit)
    if unit.actor.may("alert:read"):
        found["alerts"] = Badge(await triage.firing_count(unit), "firing")
    return found


async def _open_badge(unit: Unit) -> Badge:
    """Count open incidents; red while one of them still calls somebody."""
    count = len(await command.open_incidents(unit, limit=BADGE_MAX))
    is_calling = count and unit.actor.may("page:read") and await oncall.is_calling(unit)
    return Badge(count, "open", "crit" if is_calling else "")


async def _held(unit: Unit) -> Held | None:
    """Say since when nobody is paged, and whether who looks may end that."""
    found = await oncall.held_paging(unit.conn)
    if found is None:
        return None
    return Held(
        since=f"{found.held_at:%Y-%m-%d %H:%M}",
        is_restored=found.reason == "restored",
        can_release=unit.actor.may_on("paging:release", None),
    )


async def _banner(unit: Unit) -> str | None:
    unpageable = await oncall.unpageable_incidents(unit)
    if not unpageable:
        return None
    names: dict[UUID, str] = {
        one.id: one.reference for one in await command.open_incidents(unit)
    }
    alike: dict[UnpageableReason, list[str]] = {}
    for one in unpageable:
        named = alike.setdefault(one.reason, [])
        if one.incident_id in names:
            named.append(names[one.incident_id])
    said = [
        f"{', '.join(alike[reason]) or 'an incident'}: {words}"
        for reason, words in _UNPAGEABLE.items()
        if reason in alike
    ]
    return f"UNPAGEABLE: {'; '.join(said)}. Somebody must look now."


ROUTES: Final = (side,)
