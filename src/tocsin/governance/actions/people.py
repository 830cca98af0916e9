"""People's access: invite, reset, change a role, disable, enable. Who is meant was settled before."""

from tocsin.governance.actions.limits import spend
from tocsin.governance.actions.links import issue_password
from tocsin.governance.actions.tokens import revoke_all_of
from tocsin.governance.core.limit import LINK_PERSON
from tocsin.governance.core.scope import require_grantable, require_person_role
from tocsin.governance.events import (
    PersonDisabled,
    PersonEnabled,
    PersonInvited,
    ResetIssued,
    RoleChanged,
    SessionsEnded,
)
from tocsin.governance.model import Issued, LinkPurpose, User, UserState
from tocsin.governance.store import sessions, users
from tocsin.kernel.access import Role
from tocsin.kernel.errors import Conflict, NotFound
from tocsin.kernel.ids import PersonId
from tocsin.kernel.unit import Unit

LAST_ADMIN = (
    "this is the last admin who can sign in; give somebody else the role admin first, and let"
    " them choose their password"
)


async def invite(unit: Unit, person_id: PersonId, role: Role) -> Issued:
    """Give a person access and make the link by which they choose a password.

    Again for who has not used it yet: the older link ends. Raises Conflict for who has.
    """
    unit.require("person:invite")
    unit.require_on("person:invite", None)
    require_person_role(role)
    _require_own(unit, role)
    user = await users.user(unit.conn, person_id, lock=True)
    if user is not None and user.state is UserState.DISABLED:
        raise Conflict("their access is disabled; enable it first")
    if user is not None and user.state is UserState.ACTIVE:
        raise Conflict("they have a password already; reset it, or change the role")
    await spend(unit.conn, LINK_PERSON, str(person_id), unit.now)
    await users.invite(unit.conn, person_id, role, unit.now)
    issued = await issue_password(unit, person_id, role, LinkPurpose.INVITE)
    unit.record(PersonInvited(person_id=person_id, role=role))
    return issued


async def reset(unit: Unit, person_id: PersonId) -> Issued:
    """Make a link by which a person chooses a new password; the old one works until they do."""
    unit.require("person:invite")
    unit.require_on("person:invite", None)
    user = await _user(unit, person_id)
    if user.state is UserState.DISABLED:
        raise Conflict("their access is disabled; enable it first")
    _require_own(unit, user.role)
    await spend(unit.conn, LINK_PERSON, str(person_id), unit.now)
    issued = await issue_password(unit, person_id, user.role, LinkPurpose.RESET)
    unit.record(ResetIssued(person_id=person_id))
    return issued


async def change_role(unit: Unit, person_id: PersonId, role: Role) -> User:
    """Change what a person may do, from their next request on. Raises Conflict for the last admin."""
    unit.require("person:change")
    unit.require_on("person:change", None)
    require_person_role(role)
    _require_own(unit, role)
    admins = await users.admins_for_update(unit.conn)
    user = await _user(unit, person_id)
    if user.role is role:
        return user
    if role is not Role.ADMIN and admins == [person_id]:
        raise Conflict(LAST_ADMIN)
    await users.set_role(unit.conn, person_id, role)
    unit.record(RoleChanged(person_id=person_id, before=user.role, role=role))
    return await _user(unit, person_id)


async def disable(unit: Unit, person_id: PersonId) -> User:
    """End a person's access: sessions, tokens and links with it. Raises Conflict for the last admin."""
    unit.require("person:change")
    unit.require_on("person:change", None)
    admins = await users.admins_for_update(unit.conn)
    user = await _user(unit, person_id)
    if user.state is UserState.DISABLED:
        return user
    if admins == [person_id]:
        raise Conflict(LAST_ADMIN)
    await users.set_disabled(unit.conn, person_id, unit.now)
    await sessions.void_password_links(unit.conn, person_id, unit.now)
    unit.record(PersonDisabled(person_id=person_id))
    ended = await sessions.delete_sessions(unit.conn, person_id)
    if ended:
        unit.record(SessionsEnded(person_id=person_id, sessions=tuple(ended)))
    await revoke_all_of(unit, person_id)
    return await _user(unit, person_id)


async def enable(unit: Unit, person_id: PersonId) -> User:
    """Let a person sign in again, with the role and the password they had."""
    unit.require("person:change")
    unit.require_on("person:change", None)
    user = await _user(unit, person_id)
    if user.state is not UserState.DISABLED:
        return user
    await users.set_disabled(unit.conn, person_id, None)
    unit.record(PersonEnabled(person_id=person_id))
    return await _user(unit, person_id)


def _require_own(unit: Unit, role: Role) -> None:
    """Refuse to make anybody more than oneself is."""
    if unit.actor.role is not Role.SYSTEM:
        require_grantable(role, (), own=unit.actor.role, own_teams={})


async def _user(unit: Unit, person_id: PersonId) -> User:
    user = await users.user(unit.conn, person_id, lock=True)
    if user is None:
        raise NotFound("they have no access yet; invite them first")
    return user
