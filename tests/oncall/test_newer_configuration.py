"""Pages go on, whatever a newer release has stored in the configuration."""

import pytest

from fakes.world import ACME, World, running

pytestmark = pytest.mark.db
REVISION = """
INSERT INTO kernel.revisions (revision, applied_at, applied_by)
SELECT max(revision) + 1, now(), 'node:newer' FROM kernel.revisions
"""


async def store(world: World, spec: str) -> None:
    """Do what a node of a newer release does, with a schedule."""
    async with world.app.db.connection() as conn:
        await conn.execute(
            "UPDATE kernel.resources SET spec = spec || %(spec)s::jsonb WHERE kind = 'Schedule'",
            {"spec": spec},
        )
        await conn.execute(REVISION)


async def test_fields_and_values_of_a_newer_release_cost_no_page(dsn: str) -> None:
    async with running(dsn) as world:
        await world.apply(ACME)
        for number, spec in enumerate(('{"futureField": 1}', '{"timezone": "Mars/Olympus"}')):
            await store(world, spec)
            await world.signal({"alertname": "Down", "service": f"s{number}"})
            assert len(world.mail.to("jonas@example.org")) == number + 1
        found = (await world.http.get("/health/ready")).json()
        assert {"newer-resources", "resources-not-understood"} <= set(found["codes"])
        assert "Schedule: spec.futureField" in " ".join(found["warnings"])
        assert "Schedule/primary is not understood" in found["problems"][0]
