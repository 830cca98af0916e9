"""People and teams: who there is, who is on call, and what access they have."""

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from tocsin.governance import actions as governance
from tocsin.governance import reads
from tocsin.governance.core.config import Teams
from tocsin.governance.model import Issued, User
from tocsin.kernel.ids import PersonId
from tocsin.kernel.unit import Unit
from tocsin.oncall import reads as oncall
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.contacts import masked
from tocsin.oncall.model import Person
from tocsin.web.api.people import person_named
from tocsin.web.forms import role_of
from tocsin.web.pages.frame import Context, frame
from tocsin.web.pages.people_views import PersonRow, person_row, role_choices, team_view
from tocsin.web.units import AnAsking, AnyRequest, Asking

Act = Callable[[Unit, PersonId], Awaitable[User]]


@get("/people")
async def people(asking: AnAsking, request: AnyRequest) -> Template:
    """Show everybody, and every team."""

    async def read(unit: Unit) -> Context:
        context = await frame(unit, request, page="people", title="People and teams")
        unit.require("resource:read")
        directory, teams = unit.config(Directory), unit.config(Teams)
        rows = await _rows(unit, list(directory.people.values()))
        return context | {
            "people": sorted(rows, key=lambda one: (one.state == "left", one.display_name)),
            "teams": [team_view(team, directory) for team in teams.by_name.values()],
            "is_open": _is_open(unit),
        }

    return Template("people.html", context=await asking.run(read))


@get("/people/{name:str}")
async def person(asking: AnAsking, request: AnyRequest, name: FromPath[str]) -> Template:
    """Show somebody, what they may do and the duties they have."""
    return Template("person.html", context=await _person(asking, request, name))


@post("/people/{name:str}/invite", status_code=200)
async def invite(posting: AnAsking, request: AnyRequest, name: FromPath[str]) -> Template:
    """Give access, and show the link, this once."""
    role = role_of(await request.form())

    async def act(unit: Unit, person_id: PersonId) -> Issued:
        return await governance.invite(unit, person_id, role)

    return await _with_link(posting, request, name, act)


@post("/people/{name:str}/reset", status_code=200)
async def reset(posting: AnAsking, request: AnyRequest, name: FromPath[str]) -> Template:
    """Make a link for a new password, and show it, this once."""
    return await _with_link(posting, request, name, governance.reset)


@post("/people/{name:str}/role", status_code=303)
async def role(posting: AnAsking, request: AnyRequest, name: FromPath[str]) -> Redirect:
    """Change a role."""
    wanted = role_of(await request.form())

    async def act(unit: Unit, person_id: PersonId) -> User:
        return await governance.change_role(unit, person_id, wanted)

    return await _change(posting, name, act)


@post("/people/{name:str}/disable", status_code=303)
async def disable(posting: AnAsking, name: FromPath[str]) -> Redirect:
    """End somebody's access."""
    return await _change(posting, name, governance.disable)


@post("/people/{name:str}/enable", status_code=303)
async def enable(posting: AnAsking, name: FromPath[str]) -> Redirect:
    """Let somebody sign in again."""
    return await _change(posting, name, governance.enable)


async def _with_link(
    asking: Asking,
    request: AnyRequest,
    name: str,
    issue: Callable[[Unit, PersonId], Awaitable[Issued]],
) -> Template:
    async def act(unit: Unit) -> Issued:
        unit.require("person:invite")
        return await issue(unit, person_named(unit.config(Directory), name).id)

    issued = await asking.run(act)
    context = await _person(asking, request, name)
    url = f"{asking.services.settings.base_url}/sign-in/{issued.secret}"
    shown = {"link": url, "link_ends_at": issued.expires_at}
    return Template("person.html", context=context | shown)


async def _change(asking: Asking, name: str, change: Act) -> Redirect:
    async def act(unit: Unit) -> User:
        unit.require("person:change")
        return await change(unit, person_named(unit.config(Directory), name).id)

    await asking.run(act)
    asking.services.identity.forget()
    return Redirect(f"/people/{name}", status_code=303)


async def _person(asking: Asking, request: AnyRequest, name: str) -> dict[str, Any]:
    async def read(unit: Unit) -> Context:
        unit.require("resource:read")
        found = person_named(unit.config(Directory), name)
        context = await frame(unit, request, page="people", title=found.display_name)
        [row] = await _rows(unit, [found])
        is_own = unit.actor.person_id == found.id
        contacts = [(method.kind.value, masked(method)) for method in found.methods]
        return context | {
            "person": row,
            "zone": found.zone,
            "contacts": contacts if is_own or _is_open(unit) else None,
            "contact_count": len(contacts),
            "is_own": is_own,
            "is_open": _is_open(unit),
            "can_invite": unit.actor.may_on("person:invite", None) and found.active,
            "can_change": unit.actor.may_on("person:change", None),
            "roles": role_choices(),
            "link": None,
            "link_ends_at": None,
        }

    return await asking.run(read)


async def _rows(unit: Unit, found: list[Person]) -> list[PersonRow]:
    is_open = _is_open(unit)
    users = await reads.users(unit) if is_open else {}
    duties: dict[UUID, list[str]] = {}
    for one in await oncall.on_call_now(unit):
        for person_id in one.shift.people if one.shift else ():
            duties.setdefault(person_id, []).append(one.name)
    teams = unit.config(Teams)
    return [
        person_row(
            one,
            users.get(one.id),
            teams=teams,
            duties=duties.get(one.id, ()),
            is_open=is_open,
        )
        for one in found
    ]


def _is_open(unit: Unit) -> bool:
    return unit.actor.may_on("person:read", None)


ROUTES: Final = (people, person, invite, reset, role, disable, enable)
