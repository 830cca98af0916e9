"""An alert storm: one incident stands for what is too much, with a count, and pages once."""

import re

import pytest

from fakes.world import World
from tocsin.kernel.access import Role
from tocsin.triage.model import STORM_PER_MINUTE

pytestmark = [pytest.mark.db, pytest.mark.journey]

ALERTS = STORM_PER_MINUTE + 40
STORM = "Alert storm from prom: more than 30 new incidents a minute"


async def post(world: World, token: str, first: int, count: int) -> None:
    alerts = [
        {"labels": {"alertname": "Down", "service": f"svc-{n}", "severity": "critical"}}
        for n in range(first, first + count)
    ]
    headers = {"authorization": f"Bearer {token}"}
    answer = await world.http.post("/api/v2/alerts", json=alerts, headers=headers)
    assert answer.status_code == 200
    await world.settle()


async def test_what_is_over_thirty_a_minute_is_one_incident_that_pages_once(
    world: World,
) -> None:
    token = await world.make_token("prom", Role.INTEGRATION)
    await post(world, token, 0, ALERTS)
    incidents = await world.rows("SELECT title FROM command.incidents")
    assert len(incidents) == STORM_PER_MINUTE + 1
    assert [title for (title,) in incidents].count(STORM) == 1
    assert len(world.mail.sent) == STORM_PER_MINUTE + 1
    await post(world, token, ALERTS, 20)  # more of it: known by now
    assert len(world.mail.sent) == STORM_PER_MINUTE + 1
    [(alert_count, number)] = await world.rows(
        "SELECT alert_count, incident_number FROM triage.groups WHERE storm"
    )
    assert alert_count == 60
    headers = {**world.bearer, "accept": "text/html"}
    shown = (await world.http.get(f"/incidents/INC-{number}", headers=headers)).text
    assert STORM in shown
    assert "60 of 60 firing" in re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", shown))
