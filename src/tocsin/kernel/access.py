"""May this role do this verb: one table, one function. Every action asks it in its first line."""

from enum import StrEnum


class Role(StrEnum):
    """The built-in roles. `system` is Tocsin itself and cannot be granted."""

    VIEWER = "viewer"
    RESPONDER = "responder"
    MANAGER = "manager"
    ADMIN = "admin"
    AUDITOR = "auditor"
    INTEGRATION = "integration"
    SYSTEM = "system"


_READ = {"alert:read", "incident:read", "page:read", "oncall:read", "resource:read"}
_RESPOND = {"incident:respond", "page:acknowledge"}
_MANAGE = {"resource:apply"}
_ADMIN = {"token:create", "person:erase"}
_AUDIT = {"log:read"}
_INTAKE = {"signal:accept", "alert:read"}
# what only Tocsin's own reactions, timers and jobs do
_SYSTEM = {
    "alert:sort",
    "incident:declare",
    "page:open",
    "page:step",
    "page:resolve",
    "page:watch",
    "link:issue",
}

PERMISSIONS: dict[Role, frozenset[str]] = {
    Role.VIEWER: frozenset(_READ),
    Role.RESPONDER: frozenset(_READ | _RESPOND),
    Role.MANAGER: frozenset(_READ | _RESPOND | _MANAGE),
    Role.ADMIN: frozenset(_READ | _RESPOND | _MANAGE | _ADMIN | _AUDIT | _INTAKE),
    Role.AUDITOR: frozenset(_READ | _AUDIT),
    Role.INTEGRATION: frozenset(_INTAKE),
    Role.SYSTEM: frozenset(_READ | _RESPOND | _MANAGE | _ADMIN | _AUDIT | _INTAKE | _SYSTEM),
}
VERBS: tuple[str, ...] = tuple(sorted(PERMISSIONS[Role.SYSTEM]))


def decide(role: Role, verb: str) -> bool:
    """Say whether `role` may do `verb`; an unknown verb is a bug, not a refusal."""
    assert verb in PERMISSIONS[Role.SYSTEM], f"unknown permission {verb}"  # noqa: S101
    return verb in PERMISSIONS[role]
