"""How far a role reaches: which can be granted to whom, and what is left of one under another."""

from collections.abc import Iterable, Mapping

from tocsin.kernel.access import PERMISSIONS, Role
from tocsin.kernel.errors import Forbidden, Invalid

# the rest concerns everybody's things: nobody is an admin of one team
TEAM_ROLES = (Role.VIEWER, Role.RESPONDER, Role.MANAGER)
PERSON_ROLES = (*TEAM_ROLES, Role.ADMIN, Role.AUDITOR)


def is_within(role: Role, limit: Role) -> bool:
    """Say whether `role` may do nothing that `limit` may not."""
    return PERMISSIONS[role] <= PERMISSIONS[limit]


def capped(role: Role, limit: Role) -> Role | None:
    """Return the most of `role` that stays within `limit`; None: nothing does."""
    for candidate in (role, limit, Role.VIEWER):
        if is_within(candidate, role) and is_within(candidate, limit):
            return candidate
    return None


def more_of(one: Role, other: Role) -> Role:
    """Return the role that may do what the other may and more; `one` where neither does."""
    return other if is_within(one, other) else one


def capped_teams(teams: Mapping[str, Role], limit: Role) -> dict[str, Role]:
    """Return roles in teams, none above `limit`."""
    found = {team: capped(role, limit) for team, role in teams.items()}
    return {team: role for team, role in found.items() if role is not None}


def require_person_role(role: Role) -> None:
    """Refuse a role that is not for people. Raises Invalid."""
    if role not in PERSON_ROLES:
        known = ", ".join(PERSON_ROLES)
        raise Invalid(f"a person cannot be {role}; choose one of {known}", field="role")


def require_team_role(role: Role, teams: Iterable[str]) -> None:
    """Refuse to limit a role to teams that concerns more than teams. Raises Invalid."""
    if tuple(teams) and role not in TEAM_ROLES:
        known = ", ".join(TEAM_ROLES)
        raise Invalid(
            f"{role} cannot be limited to teams; choose one of {known}", field="teams"
        )


def require_grantable(
    role: Role, teams: Iterable[str], *, own: Role, own_teams: Mapping[str, Role]
) -> None:
    """Refuse to give away more than one has, everywhere or in `teams`. Raises Forbidden."""
    if is_within(role, own):
        return
    named = tuple(teams)
    if named and all(team in own_teams and is_within(role, own_teams[team]) for team in named):
        return
    where = f" in {', '.join(named)}" if named else ""
    raise Forbidden(f"you are {own} and cannot make a token that is {role}{where}")
