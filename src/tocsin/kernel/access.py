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


_OWN = {"self:write"}  # one's own password, sessions, inbox, test notification
_READ = {
    "alert:read",
    "change:read",
    "heartbeat:read",
    "incident:read",
    "oncall:read",
    "page:read",
    "resource:read",
    "service:read",
}
_RESPOND = {
    "alert:resolve",
    "heartbeat:pause",
    "heartbeat:ping",
    "incident:open",
    "incident:respond",
    "page:acknowledge",
    "page:escalate",
    "page:reassign",
    "page:request",
    "page:snooze",
    "schedule:override",
}
_MANAGE = {
    "heartbeat:key",
    "incident:restrict",
    "integration:try",
    "paging:release",
    "resource:apply",
}
_ADMIN = {
    "paging:hold",
    "person:change",
    "person:erase",
    "person:invite",
    "system:operate",
    "token:create",
    "token:revoke",
}
_AUDIT = {"log:read", "person:read", "token:read"}
_INTAKE = {"alert:read", "change:accept", "heartbeat:ping", "signal:accept"}
# what only Tocsin's own reactions, timers and jobs do
_SYSTEM = {
    "alert:sort",
    "contact:identify",
    "contact:note",
    "heartbeat:watch",
    "incident:declare",
    "page:open",
    "page:step",
    "page:resolve",
    "page:watch",
    "link:issue",
    "session:open",
}
_VIEWER = _OWN | _READ
_RESPONDER = _VIEWER | _RESPOND
_MANAGER = _RESPONDER | _MANAGE
_EVERYTHING = _MANAGER | _ADMIN | _AUDIT | _INTAKE

PERMISSIONS: dict[Role, frozenset[str]] = {
    Role.VIEWER: frozenset(_VIEWER),
    Role.RESPONDER: frozenset(_RESPONDER),
    Role.MANAGER: frozenset(_MANAGER),
    Role.ADMIN: frozenset(_EVERYTHING),
    Role.AUDITOR: frozenset(_VIEWER | _AUDIT),
    Role.INTEGRATION: frozenset(_INTAKE),
    Role.SYSTEM: frozenset(_EVERYTHING | _SYSTEM),
}
VERBS: tuple[str, ...] = tuple(sorted(PERMISSIONS[Role.SYSTEM]))


def decide(role: Role, verb: str) -> bool:
    """Say whether `role` may do `verb`; an unknown verb is a bug, not a refusal."""
    assert verb in PERMISSIONS[Role.SYSTEM], f"unknown permission {verb}"  # noqa: S101
    return verb in PERMISSIONS[role]
