"""Decide when an integration opens so many groups that one stands for the rest, and how long."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256

from msgspec.structs import replace

from tocsin.triage.model import STORM_CALM_S, STORM_PER_MINUTE, Group

SURGE = STORM_PER_MINUTE // 2  # so many new groups within a minute and the storm goes on
_SURGE_S = 60
_MARK_LENGTH = 16


def is_over_limit(integration: str, opened_last_minute: Mapping[str, int]) -> bool:
    """Say whether one more new group would be the one too many."""
    return opened_last_minute.get(integration, 0) >= STORM_PER_MINUTE


def lasts(group: Group | None, now: datetime) -> bool:
    """Say whether the storm that `group` gathers is still on; None: there is no such group."""
    return group is not None and group.storm_until is not None and now < group.storm_until


def swollen(group: Group, key: str, now: datetime, *, over_limit: bool) -> Group:
    """Count in the storm's `group` one that would have opened under `key`.

    A storm goes on for STORM_CALM_S after an instant at which the limit was exceeded, or at
    which SURGE different keys have come within a minute. The minute begins with the first of
    them, and so again after it; each new one of a storm is in one minute only. So what comes at
    the limit always keeps a storm going, and what stays below half of it never does.
    """
    if over_limit:
        return _goes_on(group, now)
    mark = sha256(key.encode()).hexdigest()[:_MARK_LENGTH]
    if group.surge_at is None or now - group.surge_at >= timedelta(seconds=_SURGE_S):
        return replace(group, surge_at=now, surge=(mark,))
    if mark in group.surge:
        return group
    surge = (*group.surge, mark)
    return _goes_on(group, now) if len(surge) >= SURGE else replace(group, surge=surge)


def _goes_on(group: Group, now: datetime) -> Group:
    until = now + timedelta(seconds=STORM_CALM_S)
    known = group.storm_until
    return replace(
        group,
        storm_until=until if known is None else max(known, until),
        surge_at=None,
        surge=(),
    )


def storm_key(integration: str) -> str:
    """Return the key of the group that gathers the storm of `integration`."""
    return f"storm:{integration}"


def storm_reason(integration: str, *, over_limit: bool) -> str:
    """Return why an alert stands in the storm's group instead of its own."""
    reason = f"storm: more than {STORM_PER_MINUTE} new incidents a minute from {integration}"
    return reason if over_limit else f"{reason}, and not calm since"
