"""People over JSON: who there is, what access they have, and how it is given and taken."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from litestar import get, post
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter

import tocsin.governance.actions as governance
from tocsin.governance import reads
from tocsin.governance.core.config import Teams
from tocsin.governance.model import Issued, User
from tocsin.kernel.errors import Conflict, Invalid, NotFound, TooMany
from tocsin.kernel.ids import PersonId
from tocsin.kernel.unit import Unit
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import Person
from tocsin.web.api.access_shapes import (
    LinkShape,
    NewRole,
    PeopleList,
    PersonAccess,
    person_access,
)
from tocsin.web.api.idempotency import SECRET
from tocsin.web.api.shapes import problems
from tocsin.web.units import AnAsking, Asking

PersonName = Annotated[str, PathParameter(max_length=100)]
ARole = Annotated[NewRole, Body(examples=[Example(value={"role": "responder"})])]


def person_named(directory: Directory, name: str) -> Person:
    """Return the person of this name. Raises NotFound."""
    if found := directory.find_person(name):
        return found
    raise NotFound(f"no person {name!r}; apply a resource of the kind Person first")


@get("/people", tags=["people"], responses=problems())
async def list_people(asking: AnAsking) -> PeopleList:
    """List everybody. Their access is shown to who may `person:read`."""
    is_open = asking.actor.may("person:read")

    async def read(unit: Unit) -> PeopleList:
        unit.require("resource:read")
        users = await reads.users(unit) if is_open else {}
        teams = unit.config(Teams)
        people = sorted(unit.config(Directory).people.values(), key=lambda one: one.name)
        return PeopleList(
            items=tuple(
                person_access(one, teams, users.get(one.id), is_open=is_open) for one in people
            )
        )

    return await asking.run(read)


@post(
    "/people/{name:str}/invite",
    tags=["people"],
    opt=SECRET,
    responses=problems(Invalid, NotFound, Conflict, TooMany),
)
async def invite(asking: AnAsking, name: PersonName, data: ARole) -> LinkShape:
    """Give somebody access. The answer is the link, for them alone, to choose a password."""

    async def act(unit: Unit, person: Person) -> Issued:
        return await governance.invite(unit, person.id, data.role)

    return await _link(asking, name, act)


@post(
    "/people/{name:str}/reset",
    tags=["people"],
    opt=SECRET,
    responses=problems(NotFound, Conflict, TooMany),
)
async def reset(asking: AnAsking, name: PersonName) -> LinkShape:
    """Make a link by which somebody chooses a new password. The old one works until then."""

    async def act(unit: Unit, person: Person) -> Issued:
        return await governance.reset(unit, person.id)

    return await _link(asking, name, act)


@post(
    "/people/{name:str}/role",
    status_code=200,
    tags=["people"],
    responses=problems(Invalid, NotFound, Conflict),
)
async def change_role(asking: AnAsking, name: PersonName, data: ARole) -> PersonAccess:
    """Change what somebody may do, from their next request on; the last admin stays one."""
    return await _change(
        asking, name, lambda unit, uid: governance.change_role(unit, uid, data.role)
    )


@post(
    "/people/{name:str}/disable",
    status_code=200,
    tags=["people"],
    responses=problems(NotFound, Conflict),
)
async def disable(asking: AnAsking, name: PersonName) -> PersonAccess:
    """End somebody's access: sessions and tokens end with it."""
    return await _change(asking, name, governance.disable)


@post(
    "/people/{name:str}/enable", status_code=200, tags=["people"], responses=problems(NotFound)
)
async def enable(asking: AnAsking, name: PersonName) -> PersonAccess:
    """Let somebody sign in again."""
    return await _change(asking, name, governance.enable)


async def _link(
    asking: Asking, name: str, issue: Callable[[Unit, Person], Awaitable[Issued]]
) -> LinkShape:
    async def act(unit: Unit) -> Issued:
        unit.require("person:invite")  # before it is told whether there is such a person
        return await issue(unit, person_named(unit.config(Directory), name))

    issued = await asking.run(act)
    url = f"{asking.services.settings.base_url}/sign-in/{issued.secret}"
    return LinkShape(url=url, expires_at=issued.expires_at)


async def _change(
    asking: Asking, name: str, change: Callable[[Unit, PersonId], Awaitable[User]]
) -> PersonAccess:
    async def act(unit: Unit) -> PersonAccess:
        unit.require("person:change")
        person = person_named(unit.config(Directory), name)
        user = await change(unit, person.id)
        return person_access(person, unit.config(Teams), user, is_open=True)

    found = await asking.run(act)
    asking.services.identity.forget()
    return found


ROUTES = [list_people, invite, reset, change_role, disable, enable]
