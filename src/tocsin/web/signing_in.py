"""Sign in, and change passwords: what screens and API share, hashing between two units."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from litestar import Request
from msgspec import Struct

from tocsin.governance import actions as governance
from tocsin.governance import reads
from tocsin.governance.core.browser import spell
from tocsin.governance.core.password import require_good
from tocsin.governance.model import User
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.errors import Forbidden, Invalid, Unauthenticated
from tocsin.kernel.ids import PersonId
from tocsin.kernel.unit import Unit
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import MethodKind, Person
from tocsin.web.address import visitors_address
from tocsin.web.identity import COOKIE
from tocsin.web.services import Services
from tocsin.web.units import Asking, services_of

T = TypeVar("T")
Then = Callable[[Unit, User], Awaitable[T]]
TYPED_MAX = 254  # the longest e-mail address; a longer name is nobody's


class Visitor(Struct, frozen=True, kw_only=True):
    """Who is at the door: from where, with what browser, and the session they had."""

    address: str
    browser: str
    session: str


def visitor(request: Request[Any, Any, Any]) -> Visitor:
    """Say who is at the door."""
    return Visitor(
        address=visitors_address(
            request.client.host if request.client else "",
            request.headers.getall("x-forwarded-for", []),
            services_of(request.app.state).proxies,
        ),
        browser=spell(request.headers.get("user-agent", "")),
        session=request.cookies.get(COOKIE) or "",
    )


def find(directory: Directory, typed: str) -> Person | None:
    """Return the one member of this name or e-mail address; None also where two share it. Pure."""
    plain = typed.strip().casefold()
    members = [person for person in directory.people.values() if person.active]
    named = [person for person in members if person.name == plain]
    found = named or [person for person in members if _has_mail(person, plain)]
    return found[0] if len(found) == 1 else None


def _has_mail(person: Person, plain: str) -> bool:
    return any(
        method.kind is MethodKind.EMAIL and method.address.casefold() == plain
        for method in person.methods
    )


async def by_password(
    services: Services, door: Visitor, typed: str, password: str, then: Then[T]
) -> T:
    """Check a password, then run `then` in the unit that takes the sign-in over.

    Raises Unauthenticated in the same words, and after the same time, for whatever is wrong;
    TooMany after too many tries.
    """

    async def begin(unit: Unit) -> tuple[str, PersonId | None, User | None]:
        person = find(unit.config(Directory), typed[:TYPED_MAX])
        account = str(person.id) if person else typed[:TYPED_MAX]
        person_id = person.id if person else None
        user = await governance.try_sign_in(
            unit, account=account, address=door.address, person_id=person_id
        )
        return account, person_id, user

    account, person_id, user = await services.units.run(SYSTEM, begin)
    is_right = await _matches(services, user, password)
    if user is None or not is_right:
        await services.units.run(SYSTEM, lambda u: governance.note_failed(u, person_id))
        raise Unauthenticated(governance.WRONG)
    rehashed = await services.passwords.renewed(user.password or "", password)
    known = user

    async def finish(unit: Unit) -> T:
        found = await governance.prove(unit, known, rehashed=rehashed)
        await governance.forgive_try(unit, account=account, address=door.address)
        return await then(unit, found)

    return await services.units.run(SYSTEM, finish)


async def set_password(services: Services, door: Visitor, secret: str, password: str) -> str:
    """Set a password by a one-time link, and return the secret of a new session."""

    async def begin(unit: Unit) -> Person:
        link = await governance.try_link(unit, secret, door.address)
        return _member(unit, link.person_id)

    person = await services.units.run(SYSTEM, begin)
    require_good(password, (person.name, person.display_name))
    hashed = await services.passwords.hash(password)

    async def finish(unit: Unit) -> str:
        return await governance.set_password_by_link(
            unit, secret, hashed, browser=door.browser, old=door.session
        )

    return await services.units.run(SYSTEM, finish)


async def change_password(asking: Asking, door: Visitor, current: str, new: str) -> None:
    """Change one's own password, which the old one allows. Raises Invalid, naming the field."""
    services = asking.services

    async def begin(unit: Unit) -> tuple[User | None, Person]:
        user = await reads.own_user(unit)
        return user, _member(unit, unit.actor.person_id)

    user, person = await asking.run(begin)
    account = str(person.id)

    async def count(unit: Unit) -> None:
        await governance.try_sign_in(
            unit, account=account, address=door.address, person_id=person.id
        )

    await services.units.run(SYSTEM, count)
    is_right = await _matches(services, user, current)
    if user is None or not is_right:
        raise Invalid("that is not your present password", field="current")
    require_good(new, (person.name, person.display_name), field="new")
    hashed = await services.passwords.hash(new)
    known = user

    async def forgive(unit: Unit) -> None:
        await governance.forgive_try(unit, account=account, address=door.address)

    await services.units.run(SYSTEM, forgive)
    await asking.run(lambda u: governance.change_password(u, known, hashed, door.session))


async def _matches(services: Services, user: User | None, password: str) -> bool:
    return await services.passwords.matches(user.password if user else None, password[:1000])


def _member(unit: Unit, person_id: PersonId | None) -> Person:
    people = unit.config(Directory).people
    person = people.get(person_id) if person_id else None
    if person is None or not person.active:
        raise Forbidden("this is for a member alone; sign in as a person")
    return person
