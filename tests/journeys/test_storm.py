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


PEOPLE = """
apiVersion: tocsin/v1
kind: Person
metadata: {name: dana}
spec: {displayName: Dana Base, contact: [{type: email, address: dana@example.org}]}
---
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: databases}
spec: {steps: [{targets: [{person: dana}], timeout: 5m}], catchAll: [{person: dana}]}
---
apiVersion: tocsin/v1
kind: Route
metadata: {name: databases}
spec: {matchers: ['service=~"db-.*"'], policy: databases}
"""


async def test_a_storm_that_goes_on_calls_nobody_twice_and_whoever_is_not_called_yet(
    world: World,
) -> None:
    await world.apply(PEOPLE)
    token = await world.make_token("prom", Role.INTEGRATION)
    await post(world, token, 0, ALERTS)
    called = len(world.mail.sent)
    for minute in range(1, 4):
        await world.forward(seconds=61)
        await post(world, token, minute * 1000, STORM_PER_MINUTE)
    own = [message for _, message in world.mail.sent[called:] if message.incident]
    assert own == []  # the first step of each waits for five minutes
    headers = {"authorization": f"Bearer {token}"}
    late = [{"labels": {"alertname": "Full", "service": "db-1", "severity": "critical"}}]
    await world.http.post("/api/v2/alerts", json=late, headers=headers)
    await world.settle()
    assert len(world.mail.to("dana@example.org")) == 1
    incidents = await world.rows("SELECT count(*)::int FROM command.incidents")
    assert incidents == [(STORM_PER_MINUTE + 1,)]


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
