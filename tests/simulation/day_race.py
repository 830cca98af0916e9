"""Whatever is due next happens in both processes at once, beside answers, resolves and verbs."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

from day_org import SERVICES
from day_outside import actor
from day_people import VERBS

from tocsin.kernel.access import Role
from tocsin.kernel.errors import NotFound
from tocsin.kernel.unit import Unit
from tocsin.oncall import actions as oncall

if TYPE_CHECKING:
    from day import Day

EVERYTHING = frozenset({"sort", "expire", "jobs"})  # and what is missed, if there is any


async def race(day: "Day") -> None:
    """Whatever is due next happens in both processes at once, beside an answer and a resolve."""
    day.racing = True
    try:
        await _race(day)
    finally:
        day.racing = False


async def _race(day: "Day") -> None:
    if day.rng.random() < 0.6:  # one group, many lanes
        name, service = day.rng.choice(("Slow", "Full")), day.rng.choice(SERVICES)
        for n in range(6):
            labels = {"service": service, "alertname": name, "instance": f"r{n}"}
            await day.outside.post([tuple(sorted(labels.items()))], ends_in_s=600)
    due_at = await day.observer.next_due()
    if due_at is not None and due_at - day.now < timedelta(minutes=20):
        await day.live_until(due_at)
    pages = await day.observer.rows(
        "SELECT id, incident_id FROM oncall.pages WHERE state <> 'resolved' ORDER BY id"
    )
    todo = EVERYTHING if day.jobs.is_over else EVERYTHING | {"miss"}
    acts: list[Awaitable[object]] = [day.turn(node, todo) for node in day.idle()]
    acts += day.jobs.due_now()
    if pages:
        page_id, incident_id = day.rng.choice(pages)
        who = actor("token", "bot", Role.RESPONDER)

        async def answer(unit: Unit) -> None:
            with suppress(NotFound):
                await oncall.acknowledge(unit, page_id, channel="API")

        acts.append(day.on_any(lambda node: node.app.units.run(who, answer)))
        if day.rng.random() < 0.5:
            acts.append(day.outside.resolve_incident(str(incident_id)))
    acts += [
        day.people.say(verb, Random(day.rng.getrandbits(32)))
        for verb in day.rng.sample(VERBS, 2)
    ]
    if day.outside.firing and day.rng.random() < 0.5:
        acts.append(day.outside.post([day.rng.choice(sorted(day.outside.firing))], ends_in_s=0))
    for found in await asyncio.gather(*acts, return_exceptions=True):
        if isinstance(found, BaseException):
            raise found
