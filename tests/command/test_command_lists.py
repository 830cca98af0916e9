"""The list's projection: fed by flows, filtered in SQL, walked without loss, searched by words."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from command_world import BEA, JONAS, MAYA, opened, run

from fakes.world import ACME, NOON, World, running
from tocsin.command import actions, reads
from tocsin.command.core.status import ACTIVE
from tocsin.command.model import IncidentStatus, Priority
from tocsin.command.reads import IncidentFilter, IncidentRow
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.errors import Invalid
from tocsin.kernel.ids import PersonId
from tocsin.kernel.vocabulary import Severity, Urgency
from tocsin.oncall import actions as oncall

pytestmark = pytest.mark.db

LATER = NOON + timedelta(hours=5)
FIRE = {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"}


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    async with running(dsn) as world:
        await world.apply(ACME)
        yield world


async def rows(world: World, actor: Any = SYSTEM, **wanted: Any) -> list[IncidentRow]:
    return await run(world, lambda u: reads.incident_list(u, IncidentFilter(**wanted)), actor)


async def numbers(world: World, actor: Any = SYSTEM, **wanted: Any) -> list[int]:
    return [one.number for one in await rows(world, actor, **wanted)]


async def test_counts_and_pages_come_by_flows(world: World) -> None:
    fires = [
        {
            "labels": FIRE | {"pod": f"p{n}"},
            "startsAt": NOON.isoformat(),
            "endsAt": LATER.isoformat(),
        }
        for n in range(3)
    ]
    await world.post(fires)
    [row] = await rows(world)
    assert (row.alert_count, row.firing_count, row.calling) == (3, 3, "calling")
    assert (row.services, row.urgency, row.responders) == (("checkout",), Urgency.HIGH, ())

    await world.signal(FIRE | {"pod": "p0"}, ends_at=NOON)
    await world.signal(FIRE | {"pod": "p9"}, ends_at=LATER)
    [row] = await rows(world)
    assert (row.alert_count, row.firing_count) == (4, 3)

    maya = PersonId(MAYA.id)
    await run(world, lambda u: oncall.acknowledge_incident(u, row.id, channel="web"))
    [row] = await rows(world)
    assert (row.calling, row.acknowledged_by, row.responders) == ("acknowledged", maya, (maya,))
    await world.forward(minutes=31)  # the acknowledgement runs out
    [row] = await rows(world)
    assert (row.calling, row.acknowledged_by) == ("calling", None)
    await world.forward(hours=6)
    [row] = await rows(world)
    assert (row.calling, row.firing_count, row.status) == ("none", 0, "resolved")


async def test_a_page_that_reaches_nobody_is_the_worst(world: World) -> None:
    await world.signal(FIRE, ends_at=LATER)
    await world.forward(hours=2)
    [row] = await rows(world)
    assert row.calling == "unpageable"


async def test_a_token_that_takes_the_page_is_nobody_in_the_list(world: World) -> None:
    await world.signal(FIRE, ends_at=LATER)
    await world.http.post("/api/v1/incidents/1/acknowledge", headers=world.bearer)
    [row] = await rows(world)
    assert (row.calling, row.acknowledged_by) == ("acknowledged", None)


async def test_each_filter_holds_what_it_says(world: World) -> None:
    one = await opened(world, severity=Severity.SEV1, team="shop", services=("cart", "pay"))
    await opened(world, severity=Severity.SEV3, team="core", services=("auth",), actor=JONAS)
    three = await opened(world, priority=Priority.P1, actor=JONAS)
    await run(world, lambda u: actions.resolve(u, three.id))
    assert await numbers(world) == [3, 2, 1]
    assert await numbers(world, statuses=(IncidentStatus.RESOLVED,)) == [3]
    assert await numbers(world, severities=(Severity.SEV1, Severity.SEV3)) == [2, 1]
    assert await numbers(world, teams=("core",)) == [2]
    assert await numbers(world, services=("pay", "auth")) == [2, 1]
    assert await numbers(world, MAYA, mine=True) == [1]
    assert await numbers(world, JONAS, mine=True) == [3, 2]
    assert await numbers(world, acknowledged=True) == []
    assert await numbers(world, acknowledged=False, teams=("shop",)) == [1]
    assert one.number == 1

    # what is open is looked for among what has not ended, whichever way it came to be
    ids = [three.id, *[(await opened(world, f"n{n}")).id for n in range(4)]]
    await run(world, lambda u: actions.set_status(u, ids[0], IncidentStatus.CLOSED))
    await run(world, lambda u: actions.resolve(u, ids[1]))
    await run(world, lambda u: actions.reopen(u, ids[1]))
    await run(world, lambda u: actions.set_status(u, ids[1], IncidentStatus.MITIGATED))
    await run(world, lambda u: actions.merge(u, ids[2], ids[3]))
    await world.signal(FIRE, ends_at=LATER)
    await world.signal(FIRE, ends_at=NOON)
    found = await world.rows("SELECT number, status, resolved_at FROM command.incidents")
    assert {(status in ACTIVE, ended is None) for _, status, ended in found} == {
        (True, True), (False, False)
    }  # fmt: skip
    wanted = sorted((number for number, status, _ in found if status in ACTIVE), reverse=True)
    assert await numbers(world, statuses=tuple(ACTIVE)) == wanted == [7, 6, 4, 2, 1]


async def test_a_long_list_is_walked_without_loss(world: World) -> None:
    for n in range(7):
        await opened(world, f"n{n}")
        if n % 3 == 0:
            world.clock.forward(seconds=1)
    found: list[int] = []
    before = None
    while True:
        part = await rows(world, before=before, limit=2)
        found += [one.number for one in part]
        if len(part) < 2:
            break
        before = part[-1].position
    assert found == [7, 6, 5, 4, 3, 2, 1]


async def test_search_finds_titles_descriptions_labels_services_and_notes(world: World) -> None:
    await world.signal(FIRE | {"region": "eu-west-1"}, ends_at=LATER, summary="too many 5xx")
    two = await opened(
        world, "Search is slow", description="since the deploy", services=("elastic",)
    )
    await run(
        world, lambda u: actions.add_note(u, two.id, "Rolled back to the previous release")
    )
    for text, wanted in (
        ("search", [2]),
        ("SLOW search", [2]),
        ("deploy", [2]),
        ("elastic", [2]),
        ("rolled back", [2]),
        ('"previous release"', [2]),
        ('"release previous"', []),
        ("checkout", [1]),
        ("5xx", [1]),
        ("check", [1]),
        ("search OR checkout", [2, 1]),
        ("slow -deploy", []),
        ("INC-2", [2]),
        ("1", [1]),
        ("nothing", []),
        ("'); drop table command.incidents; --", []),
        ("& | ! ( ) :*", []),
        ("\0", [2, 1]),
    ):
        assert await numbers(world, text=text) == wanted, text
    with pytest.raises(Invalid, match="at most 500"):
        await rows(world, text="x" * 501)


async def test_search_shows_nobody_what_they_may_not_see(world: World) -> None:
    one = await opened(world, "Secret breach", actor=BEA, visible_to=())
    await run(world, lambda u: actions.add_note(u, one.id, "credentials"), BEA)
    for text in ("secret", "credentials", "INC-1"):
        assert await numbers(world, BEA, text=text) == [1]
        assert await numbers(world, JONAS, text=text) == []
