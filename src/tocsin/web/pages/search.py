"""Searching: what the command palette adds to what the page knows itself, and the page of finds."""

from typing import Annotated, Final

from litestar import get
from litestar.params import QueryParameter
from litestar.response import Template
from msgspec import Struct

from tocsin.command import reads as command
from tocsin.command.core.status import ACTIVE
from tocsin.command.reads import IncidentFilter
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Labels
from tocsin.oncall.core.config import Directory
from tocsin.signals import reads as signals
from tocsin.signals.core.heartbeat_config import Heartbeats
from tocsin.topology.model import Catalogue
from tocsin.triage import reads as triage
from tocsin.web.api.heartbeat_shapes import heartbeat_shape
from tocsin.web.pages.frame import Context, frame
from tocsin.web.pages.heartbeats import row
from tocsin.web.pages.list_views import alert_name
from tocsin.web.pages.views import shown_status
from tocsin.web.units import AnAsking, AnyRequest

IN_PALETTE = 5
ON_PAGE = 25
LEAST = 2  # fewer letters find everything
OPEN_MAX = 200  # whose letters are looked at
WORDS_MAX = 110
NOT_SAID = frozenset({"alertname", "severity"})
Query = Annotated[str, QueryParameter(max_length=200)]


class Find(Struct, frozen=True, kw_only=True):
    """One thing that was found, and where it is."""

    title: str
    words: str
    url: str
    icon: str


class Finds(Struct, frozen=True):
    """What was found of one kind."""

    label: str
    found: tuple[Find, ...]


@get("/palette")
async def palette(asking: AnAsking, q: Query = "") -> Template:
    """Show finds as options of the palette; without words, the open incidents."""

    async def read(unit: Unit) -> Context:
        return {"finds": await find(unit, q, limit=IN_PALETTE)}

    return Template("_palette.html", context=await asking.run(read))


@get("/search")
async def search(asking: AnAsking, request: AnyRequest, q: Query = "") -> Template:
    """Show finds on a page of their own, which needs no script."""

    async def read(unit: Unit) -> Context:
        context = await frame(unit, request, page="search", title="Search")
        finds = await find(unit, q, limit=ON_PAGE) if q.strip() else []
        return context | {"finds": finds, "q": q}

    return Template("search.html", context=await asking.run(read))


async def find(unit: Unit, query: str, *, limit: int) -> list[Finds]:
    """Look for words in what this actor may see, each kind on its own."""
    words = query.strip()
    if words and len(words) < LEAST:
        return []
    found = [
        Finds("Incidents" if words else "Open incidents", await _incidents(unit, words, limit))
    ]
    if words:
        found += [
            Finds("Alerts", await _alerts(unit, words, limit)),
            Finds("Services", _services(unit, words, limit)),
            Finds("Heartbeats", await _heartbeats(unit, words, limit)),
            Finds("People", _people(unit, words, limit)),
        ]
    return [one for one in found if one.found]


async def _incidents(unit: Unit, words: str, limit: int) -> tuple[Find, ...]:
    if not unit.actor.may("incident:read"):
        return ()
    statuses = () if words else tuple(sorted(ACTIVE))
    wanted = IncidentFilter(text=words, statuses=statuses, limit=limit)
    listed = await command.incident_list(unit, wanted)
    found = {one.reference: (one.title, shown_status(one)) for one in listed}
    # of what is open also letters inside words, which no index knows
    unended = IncidentFilter(statuses=tuple(sorted(ACTIVE)), limit=OPEN_MAX)
    for one in await command.incident_list(unit, unended) if words else ():
        if _fits(words, f"{one.reference} {one.title} {' '.join(one.services)}"):
            found.setdefault(one.reference, (one.title, shown_status(one)))
    return tuple(
        Find(
            title=title,
            words=f"{reference}, {status}",
            url=f"/incidents/{reference}",
            icon="flame",
        )
        for reference, (title, status) in list(found.items())[:limit]
    )


async def _alerts(unit: Unit, words: str, limit: int) -> tuple[Find, ...]:
    if not unit.actor.may("alert:read"):
        return ()
    found = await triage.search(unit, words, limit)
    return tuple(
        Find(
            title=alert_name(one.labels),
            words=_told_apart(one.labels, one.state),
            url=f"/alerts/{one.id}",
            icon="inbox",
        )
        for one in found
    )


def _told_apart(labels: Labels, state: str) -> str:
    """Say what tells alerts of one name apart: their own labels. Pure."""
    said = (f"{name}={value}" for name, value in sorted(labels.items()) if name not in NOT_SAID)
    text = ", ".join((state, *said))
    return text if len(text) <= WORDS_MAX else f"{text[:WORDS_MAX]}…"


def _services(unit: Unit, words: str, limit: int) -> tuple[Find, ...]:
    if not unit.actor.may("service:read"):
        return ()
    found = [
        one
        for one in unit.config(Catalogue).services.values()
        if _fits(words, f"{one.name} {one.display_name} {one.owner or ''}")
    ]
    return tuple(
        Find(
            title=one.display_name,
            words=one.owner or "",
            url=f"/services/{one.name}",
            icon="network",
        )
        for one in found[:limit]
    )


async def _heartbeats(unit: Unit, words: str, limit: int) -> tuple[Find, ...]:
    if not unit.actor.may("heartbeat:read"):
        return ()
    names = sorted(
        one.name
        for one in unit.config(Heartbeats).by_name.values()
        if _fits(words, f"{one.name} {one.description} {one.team or ''}")
    )
    found = await signals.heartbeats(unit, names[:limit]) if names else ()
    rows = (row(heartbeat_shape(one, standing, unit.now)) for one, standing in found)
    return tuple(
        Find(
            title=each.one.name,
            words=f"{each.word}, {each.one.rhythm}",
            url=f"/heartbeats/{each.one.name}",
            icon="heart-pulse",
        )
        for each in rows
    )


def _people(unit: Unit, words: str, limit: int) -> tuple[Find, ...]:
    if not unit.actor.may("person:read"):
        return ()
    found = [
        one
        for one in unit.config(Directory).people.values()
        if one.active and _fits(words, f"{one.name} {one.display_name}")
    ]
    return tuple(
        Find(title=one.display_name, words=one.name, url=f"/people/{one.name}", icon="user")
        for one in found[:limit]
    )


def _fits(words: str, text: str) -> bool:
    folded = text.casefold()
    return all(word in folded for word in words.casefold().split())


ROUTES: Final = (palette, search)
