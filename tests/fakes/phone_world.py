"""A world whose people are paged by telephone, with a Twilio on loopback."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from fakes.fake_twilio import FakeTwilio, twilio
from fakes.world import NOON, World, running

MAYA = "+4915112345678"
FIRE = {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"}
PEOPLE = """
apiVersion: tocsin/v1
kind: Person
metadata: {name: maya}
spec:
  displayName: Maya Okafor
  contact: [%s]
---
apiVersion: tocsin/v1
kind: Person
metadata: {name: boss}
spec: {displayName: Bea Boss, contact: [{type: email, address: boss@example.org}]}
---
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: default}
spec:
  steps:
    - {targets: [{person: maya}], timeout: 5m}
    - {targets: [{person: boss}], timeout: 5m}
  catchAll: [{person: boss}]
"""
SMS = "{type: sms, number: '+4915112345678'}"
CALL = "{type: voice, number: '+4915112345678'}"
MAIL = "{type: email, address: maya@example.org}"


@asynccontextmanager
async def phoned(
    dsn: str, *contacts: str, **settings: Any
) -> AsyncIterator[tuple[World, FakeTwilio]]:
    async with twilio() as fake, running(dsn, **{**fake.settings, **settings}) as world:
        world.channels.update(world.app.telephone.channels)
        await world.apply(PEOPLE % ", ".join(contacts))
        await world.signal(FIRE, ends_at=NOON + timedelta(hours=5))
        yield world, fake


async def attempt(world: World) -> tuple[Any, ...]:
    rows = await world.rows(
        """
        SELECT n.state, a.outcome, a.delivered_at IS NOT NULL, a.acked_at IS NOT NULL,
               a.failed_at IS NOT NULL
          FROM oncall.attempts a JOIN oncall.notifications n ON n.id = a.notification_id
         ORDER BY a.started_at, n.queued_at
         LIMIT 1
        """
    )
    return rows[0]


async def state(world: World) -> str:
    [(found,)] = await world.rows("SELECT state FROM oncall.pages")
    return str(found)
