"""One-time links: issue them, and acknowledge a page by one."""

import secrets
from datetime import timedelta
from uuid import UUID

from tocsin.governance.core.scope import require_grantable
from tocsin.governance.core.token_text import digest
from tocsin.governance.events import LinkUsed
from tocsin.governance.model import Issued, Link, LinkPurpose
from tocsin.governance.store import sessions as store
from tocsin.kernel.access import Role
from tocsin.kernel.actor import Actor
from tocsin.kernel.errors import Forbidden, Invalid, NotFound
from tocsin.kernel.ids import PersonId
from tocsin.kernel.unit import Unit

SIGN_IN_LASTS = timedelta(hours=24)
ACKNOWLEDGE_LASTS = timedelta(days=2)
INVITE_LASTS = timedelta(days=7)
RESET_LASTS = timedelta(hours=24)


async def issue_sign_in(unit: Unit, role: Role, person_id: PersonId | None = None) -> str:
    """Make a one-time sign-in link's secret."""
    unit.require("link:issue")
    lasts = SIGN_IN_LASTS
    issued = await _issue(unit, LinkPurpose.SIGN_IN, role, lasts, person_id=person_id)
    return issued.secret


async def give_sign_in(unit: Unit, role: Role) -> str:
    """Make a one-time sign-in link's secret for somebody whom the asker lets in, as at most that."""
    unit.require("token:create")
    unit.require_on("token:create", None)
    if role is Role.SYSTEM:
        raise Invalid("the role system cannot be granted", field="role")
    if unit.actor.role is not Role.SYSTEM:
        require_grantable(role, (), own=unit.actor.role, own_teams={})
    return (await _issue(unit, LinkPurpose.SIGN_IN, role, SIGN_IN_LASTS)).secret


async def issue_acknowledge(unit: Unit, person_id: PersonId, page_id: UUID) -> str:
    """Make the secret of a link by which one person can acknowledge one page."""
    unit.require("link:issue")
    issued = await _issue(
        unit,
        LinkPurpose.ACKNOWLEDGE,
        Role.RESPONDER,
        ACKNOWLEDGE_LASTS,
        person_id=person_id,
        page_id=page_id,
    )
    return issued.secret


async def issue_password(
    unit: Unit, person_id: PersonId, role: Role, purpose: LinkPurpose
) -> Issued:
    """Make a link by which a person chooses a password; older ones end."""
    unit.require("person:invite")
    unit.require_on("person:invite", None)
    await store.void_password_links(unit.conn, person_id, unit.now)
    lasts = INVITE_LASTS if purpose is LinkPurpose.INVITE else RESET_LASTS
    return await _issue(unit, purpose, role, lasts, person_id=person_id)


async def _issue(
    unit: Unit,
    purpose: LinkPurpose,
    role: Role,
    lasts: timedelta,
    *,
    person_id: PersonId | None = None,
    page_id: UUID | None = None,
) -> Issued:
    secret = secrets.token_urlsafe(24)
    link = Link(
        hash=digest(secret),
        purpose=purpose,
        person_id=person_id,
        page_id=page_id,
        role=role,
        expires_at=unit.now + lasts,
        used_at=None,
    )
    await store.add_link(unit.conn, link, unit.now)
    return Issued(secret, link.expires_at)


async def use_acknowledge(unit: Unit, secret: str) -> Link:
    """Note that an acknowledge link is used and return what it is bound to.

    It may be used again while it lasts: a double tap must not look like a failure.
    Raises NotFound, or Forbidden when it has expired.
    """
    unit.require("link:issue")
    link = await store.link(unit.conn, digest(secret), lock=True)
    if link is None or link.purpose is not LinkPurpose.ACKNOWLEDGE:
        raise NotFound("this link is not known")
    if link.expires_at <= unit.now:
        raise Forbidden("this link has expired; sign in to acknowledge")
    if link.used_at is None and link.person_id and link.page_id:
        await store.mark_used(unit.conn, link.hash, unit.now)
        unit.record(LinkUsed(page_id=link.page_id, person_id=link.person_id))
    return link


def actor_of_link(link: Link, name: str) -> Actor:
    """Return who acts by a link: the person it was sent to, with a responder's rights."""
    if link.person_id is None:
        raise Forbidden("this link is bound to nobody")
    return Actor(
        kind="link", id=link.person_id, name=name, role=link.role, person_id=link.person_id
    )
