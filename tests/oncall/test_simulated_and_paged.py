"""What `tocsin policy simulate` says is what the machine then does, when nobody answers."""

from datetime import datetime, timedelta

import pytest
from paging_world import fire

from fakes.world import NOON, World, running
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core.assurance import simulate
from tocsin.oncall.core.config import Directory

pytestmark = pytest.mark.db
FOR = timedelta(hours=2, minutes=15)
PEOPLE = """
apiVersion: tocsin/v1
kind: Person
metadata: {name: %(name)s}
spec:
  displayName: %(name)s
  contact:
    - {type: ntfy, topic: "https://ntfy.example.org/%(name)s", name: phone}
    - {type: email, address: "%(name)s@example.org"}
  notify:
    high: [{by: phone}, {by: email, after: 90s}]
    low: [{by: email, after: 1m}]
  quietHours: [{from: "12:00", to: "%(wakes)s", timezone: UTC}]
---
"""
POLICIES = """
apiVersion: tocsin/v1
kind: Schedule
metadata: {name: shifts}
spec: {timezone: UTC, rotation: {start: "2026-03-26T12:30", every: day, people: [dan, eva]}}
---
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: turns}
spec:
  steps:
    - {targets: [{person: ana}, {person: ben}, {person: cy}], mode: round-robin, timeout: 7m}
    - {targets: [{schedule: shifts}], timeout: 11m}
  repeat: 3
  catchAll: [{person: boss}]
---
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: quiet}
spec:
  steps:
    - {targets: [{person: fay}], timeout: 5m, urgency: high}
    - {targets: [{person: gil}, {person: hal}], timeout: 13m}
    - {targets: [{person: ian}], timeout: 13m}
  repeat: 1
  catchAll: [{person: boss}]
  supportHours: [{weekdays: [fri], from: "12:40", to: "23:00", timezone: UTC}]
---
apiVersion: tocsin/v1
kind: Route
metadata: {name: turned}
spec: {match: {team: turns}, policy: turns}
---
apiVersion: tocsin/v1
kind: Route
metadata: {name: quieted}
spec: {match: {team: quiet}, urgency: low, policy: quiet}
"""
WAKES = {"hal": "13:20", "ian": "12:30"}
Told = tuple[datetime, str]


async def directory(unit: Unit) -> Directory:
    return unit.config(Directory)


async def foretold(world: World, policy: str, urgency: Urgency) -> list[Told]:
    """Return what the simulation says: each message until the catch-all, and to whom."""
    found = await world.app.units.run(SYSTEM, directory)
    page = simulate(found.policy(policy), found, {}, world.clock.now(), urgency)
    return sorted(
        (tell.at, f"{found.name_of(tell.person_id)} by {tell.kind}")
        for call in page.calls
        for tell in call.tells
    )


def paged(world: World, names: str) -> list[Told]:
    """Return who of these people was told of a page, by what and when."""
    found = []
    for at, message in world.mail.sent:
        last = message.to.rpartition("/")[2]
        name, is_mail, _ = last.partition("@")
        if message.event == "page" and name in names.split():
            found.append((at, f"{name} by {'email' if is_mail else 'ntfy'}"))
    return sorted(found)


async def test_a_page_that_nobody_answers_calls_whom_the_simulation_names_when_it_says(
    dsn: str,
) -> None:
    everybody = ["ana", "ben", "cy", "dan", "eva", "fay", "gil", "hal", "ian", "boss"]
    people = [PEOPLE % {"name": one, "wakes": WAKES.get(one, "12:20")} for one in everybody]
    async with running(dsn) as world:
        await world.apply("".join(people) + POLICIES)
        first = await foretold(world, "turns", Urgency.HIGH)
        quiet = await foretold(world, "quiet", Urgency.LOW)
        await fire(world, team="turns")
        await fire(world, team="quiet", severity="low")
        until = NOON + FOR
        await world.forward(seconds=FOR.total_seconds())
        for names, said in (("ana ben cy dan eva", first), ("fay gil hal ian", quiet)):
            found = paged(world, names)
            calls = [one for one in said if "boss" not in one[1]]
            assert found == calls
            assert len(found) > 8
            assert max(found)[0] < until
        # the catch-all of each, once more and more after that
        last = min(at for at, who in first if "boss" in who)
        assert (last, "boss by ntfy") in paged(world, "boss")
