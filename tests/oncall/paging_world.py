"""People with rules and quiet hours, policies of all kinds, and what tests do to their pages."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from fakes.world import NOON, World
from tocsin.kernel.access import Role
from tocsin.kernel.actor import Actor
from tocsin.kernel.ids import PageId, uuid7
from tocsin.kernel.unit import Unit
from tocsin.oncall.ports import Outgoing

FIRE = {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"}
FOR_HOURS = NOON + timedelta(hours=90)
TOKEN = Actor(kind="token", id=uuid7(), name="ci", role=Role.RESPONDER)
JONAS, MAYA, BOSS = "jonas@example.org", "maya@example.org", "boss@example.org"
STATES = "SELECT state FROM oncall.pages ORDER BY id"
NTFY = "https://ntfy.example.org/"
PEOPLE = """
apiVersion: tocsin/v1
kind: Person
metadata: {name: nora}
spec:
  displayName: Nora
  contact:
    - {type: ntfy, topic: "https://ntfy.example.org/nora", name: phone}
    - {type: sms, number: "+491700000001"}
    - {type: email, address: nora@example.org}
  notify:
    high: [{by: phone}, {by: sms, after: 2m}]
    low: [{by: email}]
  quietHours: [{from: "22:00", to: "07:00", timezone: UTC}]
---
apiVersion: tocsin/v1
kind: Person
metadata: {name: omar}
spec: {displayName: Omar, contact: [{type: ntfy, topic: "https://ntfy.example.org/omar"}]}
---
apiVersion: tocsin/v1
kind: Team
metadata: {name: sre}
spec: {displayName: SRE, members: [{person: nora}, {person: omar}]}
---
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: rules}
spec:
  steps:
    - {targets: [{person: nora}], timeout: 10m}
    - {targets: [{team: sre}], timeout: 10m}
  catchAll: [{person: boss}]
  repeat: 0
---
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: office}
spec:
  steps: [{targets: [{person: jonas}], timeout: 10m}]
  catchAll: [{person: boss}]
  supportHours: [{weekdays: [mon, tue, wed, thu, fri], from: "09:00", to: "17:00", timezone: UTC}]
---
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: turns}
spec:
  steps:
    - {targets: [{person: maya}, {person: jonas}, {person: boss}], mode: round-robin, timeout: 5m}
  repeat: 0
---
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: hooks}
spec:
  steps:
    - {targets: [{webhook: {url: "https://hooks.example.org/shop"}}], timeout: 10m}
    - {targets: [{person: maya}], timeout: 10m}
---
apiVersion: tocsin/v1
kind: Route
metadata: {name: quiet}
spec: {match: {severity: low}, urgency: low, policy: office}
---
apiVersion: tocsin/v1
kind: Route
metadata: {name: ruled}
spec: {match: {team: rules}, policy: rules}
---
apiVersion: tocsin/v1
kind: Route
metadata: {name: turned}
spec: {match: {team: turns}, policy: turns, groupBy: [service]}
---
apiVersion: tocsin/v1
kind: Route
metadata: {name: hooked}
spec: {match: {team: hooks}, policy: hooks}
"""


LOUD = """
apiVersion: tocsin/v1
kind: Route
metadata: {name: quiet}
spec: {match: {severity: low}, urgency: high, policy: office}
"""


async def fire(world: World, **labels: str) -> PageId:
    """Let an alert fire and be paged about."""
    await world.signal(FIRE | labels, ends_at=FOR_HOURS)
    rows = await world.rows("SELECT id FROM oncall.pages ORDER BY id DESC LIMIT 1")
    return PageId(rows[0][0])


async def do(world: World, act: Callable[[Unit], Awaitable[Any]], actor: Actor = TOKEN) -> Any:
    found = await world.app.units.run(actor, act)
    await world.settle()
    return found


def to(world: World, address: str) -> list[float]:
    """Return when, in minutes since noon, something was sent to an address."""
    return [(at - NOON).total_seconds() / 60 for at in world.mail.to(address)]


def last(world: World) -> Outgoing:
    return world.mail.sent[-1][1]
