"""Tokens: make them for machines and for oneself, and revoke them."""

import re
import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from tocsin.governance.core import scope as scopes
from tocsin.governance.core.config import Teams
from tocsin.governance.core.token_text import ENTROPY_BYTES, compose, digest
from tocsin.governance.events import TokenCreated, TokenRevoked
from tocsin.governance.model import ANYWHERE, MadeToken, Token, TokenScope
from tocsin.governance.store import tokens as store
from tocsin.kernel.access import Role
from tocsin.kernel.actor import Actor
from tocsin.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from tocsin.kernel.ids import PersonId, uuid7
from tocsin.kernel.unit import Unit

RATE_MAX = 1_000_000
LASTS_MAX_S = 10 * 366 * 86_400
TEAMS_MAX = 50
PERSONAL = "personal"  # what the log calls a person's own token
USED_EVERY_S = 300
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}")


async def create_token(unit: Unit, name: str, role: Role, rate: int | None) -> str:
    """Create a machine's token and return its secret, which is shown once and stored nowhere."""
    unit.require("token:create")
    return (await make_token(unit, name, role, rate)).secret


async def make_token(
    unit: Unit, name: str, role: Role, rate: int | None = None, scope: TokenScope = ANYWHERE
) -> MadeToken:
    """Create a machine's token. Raises Invalid, Forbidden, or Conflict for a name that is taken."""
    unit.require("token:create")
    unit.require_on("token:create", None)
    _check(unit, name, role, rate, scope)
    if unit.actor.role is not Role.SYSTEM:
        scopes.require_grantable(
            role, scope.teams, own=unit.actor.role, own_teams=unit.actor.teams
        )
    token = Token(
        id=uuid7(),
        name=name,
        role=role,
        rate=rate,
        created_at=unit.now,
        expires_at=_ends_at(unit, scope),
        teams=scope.teams or None,
        integration=scope.integration,
    )
    return await _keep(unit, token, label=name)


async def make_own_token(
    unit: Unit, name: str, role: Role, scope: TokenScope = ANYWHERE
) -> MadeToken:
    """Create a token by which one's own scripts act as oneself, with no more than one may.

    One that is made by another token ends no later than that.
    """
    unit.require("self:write")
    person_id = _self(unit.actor)
    _check(unit, name, role, None, scope)
    scopes.require_person_role(role)
    scopes.require_grantable(role, scope.teams, own=unit.actor.role, own_teams=unit.actor.teams)
    return await _keep_own(unit, person_id, name, role, scope)


async def _keep_own(
    unit: Unit, person_id: PersonId, name: str, role: Role, scope: TokenScope
) -> MadeToken:
    token = Token(
        id=uuid7(),
        name=_own(person_id, name),
        role=role,
        rate=None,
        created_at=unit.now,
        expires_at=await _no_later(unit, _ends_at(unit, scope)),
        person_id=person_id,
        teams=scope.teams or None,
    )
    return await _keep(unit, token, label=PERSONAL)


async def revoke_token(unit: Unit, reference: str) -> Token:
    """End a token, by its id, or by its name if it is a machine's. Raises NotFound.

    It opens nothing any more, at once in this process and in others within five seconds.
    """
    unit.require("token:revoke")
    unit.require_on("token:revoke", None)
    token = await store.find_for_update(unit.conn, id=_uuid(reference), name=reference)
    if token is None:
        raise NotFound(f"no token {reference!r}; see `tocsin token list`")
    return await _revoke(unit, token)


async def revoke_own_token(unit: Unit, reference: str) -> Token:
    """End a token of one's own, by its id or its name. Raises NotFound."""
    unit.require("self:write")
    person_id = _self(unit.actor)
    name = _own(person_id, reference)
    token = await store.find_for_update(unit.conn, id=_uuid(reference), name=name)
    if token is None or token.person_id != person_id:
        raise NotFound(f"you have no token {reference!r}")
    return await _revoke(unit, token)


async def revoke_all_of(unit: Unit, person_id: PersonId) -> None:
    """End every token of a person."""
    unit.require("person:change")
    unit.require_on("person:change", None)
    found = await store.of_person_for_update(unit.conn, person_id)
    await store.revoke(unit.conn, found, unit.now)
    for token_id in found:
        unit.record(TokenRevoked(token_id=token_id, label=PERSONAL))


async def replace_own_token(
    unit: Unit, person_id: PersonId, name: str, role: Role, scope: TokenScope
) -> MadeToken:
    """Create a person's token in place of the one of the same name: a second `tocsin login`."""
    unit.require("session:open")
    _check(unit, name, role, None, scope)
    old = await store.find_for_update(unit.conn, id=None, name=_own(person_id, name))
    if old is not None:
        await _revoke(unit, old)
    return await _keep_own(unit, person_id, name, role, scope)


async def note_used(conn: AsyncConnection[Any], token: Token, now: datetime) -> None:
    """Write down that a token is in use, if that was not written a moment ago."""
    due_at = now - timedelta(seconds=USED_EVERY_S)
    if token.last_used_at is None or token.last_used_at <= due_at:
        await store.note_used(conn, token.id, now, every_s=USED_EVERY_S)


async def _keep(unit: Unit, token: Token, *, label: str) -> MadeToken:
    secret = compose(secrets.token_bytes(ENTROPY_BYTES))
    if not await store.add(unit.conn, token, digest(secret)):
        raise Conflict(f"a token named {token.label!r} exists; choose another name")
    unit.record(TokenCreated(token_id=token.id, label=label, role=token.role))
    return MadeToken(token, secret)


async def _revoke(unit: Unit, token: Token) -> Token:
    await store.revoke(unit.conn, [token.id], unit.now)
    label = PERSONAL if token.person_id else token.label
    unit.record(TokenRevoked(token_id=token.id, label=label))
    return token


async def _no_later(unit: Unit, ends_at: datetime | None) -> datetime | None:
    """Cap the end of a token at that of the token which makes it."""
    if unit.actor.kind != "token":
        return ends_at
    parent = await store.find_for_update(unit.conn, id=unit.actor.id, name=None)
    known = [at for at in (ends_at, parent.expires_at if parent else unit.now) if at]
    return min(known, default=None)


def _check(unit: Unit, name: str, role: Role, rate: int | None, scope: TokenScope) -> None:
    if not _NAME.fullmatch(name):
        raise Invalid(
            f"{name!r} is no token name; use letters, digits, dot, dash (at most 63)",
            field="name",
        )
    if role is Role.SYSTEM:
        raise Invalid("the role system cannot be granted", field="role")
    if rate is not None and not 1 <= rate <= RATE_MAX:
        raise Invalid(f"rate: 1 to {RATE_MAX} alerts a second, or unlimited", field="rate")
    _check_scope(scope, unit.config(Teams))
    scopes.require_team_role(role, scope.teams)


def _check_scope(scope: TokenScope, teams: Teams) -> None:
    if scope.lasts_s is not None and not 1 <= scope.lasts_s <= LASTS_MAX_S:
        raise Invalid("expires_in: from 1s to ten years, e.g. 90d", field="expires_in")
    if len(scope.teams) > TEAMS_MAX:
        raise Invalid(f"teams: at most {TEAMS_MAX}", field="teams")
    for team in scope.teams:
        if team not in teams.by_name:
            raise Invalid(f"there is no team named {team!r}", field="teams")
    if scope.integration is not None and not _NAME.fullmatch(scope.integration):
        raise Invalid(
            f"{scope.integration!r} is no name of an integration", field="integration"
        )


def _ends_at(unit: Unit, scope: TokenScope) -> datetime | None:
    return None if scope.lasts_s is None else unit.now + timedelta(seconds=scope.lasts_s)


def _self(actor: Actor) -> PersonId:
    if actor.person_id is None:
        raise Forbidden(
            "only a person has tokens of their own; for a machine use `tocsin token create`"
        )
    return actor.person_id


def _own(person_id: PersonId, name: str) -> str:
    """Return the whole name of a personal token: unique, and no person's name in it."""
    return f"{person_id}/{name}"


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
