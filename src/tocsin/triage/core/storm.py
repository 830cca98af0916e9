"""Decide when an integration opens so many groups that one stands for the rest."""

from collections.abc import Mapping

from tocsin.triage.model import STORM_PER_MINUTE


def is_storm(integration: str, opened_last_minute: Mapping[str, int]) -> bool:
    """Say whether one more new group would be the one too many."""
    return opened_last_minute.get(integration, 0) >= STORM_PER_MINUTE


def storm_key(integration: str) -> str:
    """Return the key of the group that gathers the storm of `integration`."""
    return f"storm:{integration}"


def storm_reason(integration: str) -> str:
    """Return why an alert stands in the storm's group instead of its own."""
    return f"storm: more than {STORM_PER_MINUTE} new incidents a minute from {integration}"
