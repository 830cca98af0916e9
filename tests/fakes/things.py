"""Something of everything, and the names by which the API's paths call it."""

from datetime import timedelta
from typing import Any

from fakes.world import NOON, World


async def trouble(world: World) -> None:
    """Let an incident happen."""
    labels = {"alertname": "Down", "service": "checkout", "severity": "critical"}
    await world.signal(labels, ends_at=NOON + timedelta(days=9000), summary="It is down.")


async def things(world: World) -> dict[str, list[Any]]:
    """Return what stands in the database, by the names that path parameters have."""

    async def column(query: str) -> list[Any]:
        return [str(row[0]) for row in await world.rows(query)]

    return {
        "reference": ["INC-1", "1"],
        "alert_id": await column("SELECT id FROM triage.alerts"),
        "page_id": await column("SELECT id FROM oncall.pages"),
        "group_id": await column("SELECT id FROM triage.groups"),
        "incident_id": await column("SELECT id FROM command.incidents"),
        "person_id": await column("SELECT uid FROM kernel.resources WHERE kind = 'Person'"),
        "kind": ["Person", "Schedule", "EscalationPolicy", "Route"],
        "name": ["maya", "primary", "default"],
        "schedule": ["primary"],
        "person": ["maya"],
    }
