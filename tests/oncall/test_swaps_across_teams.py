"""A swap moves a shift of two schedules: whoever answers for its partner must answer for both."""

from collections.abc import AsyncIterator, Mapping

import pytest

from fakes.world import ACME, World, running
from tocsin.kernel.access import Role
from tocsin.kernel.actor import Actor
from tocsin.kernel.errors import Conflict, Forbidden
from tocsin.kernel.ids import PersonId, uuid7
from tocsin.kernel.unit import Unit
from tocsin.oncall import actions as oncall
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import Swap, SwapState

pytestmark = pytest.mark.db
TWO_TEAMS = """
apiVersion: tocsin/v1
kind: Team
metadata: {name: red}
spec: {displayName: Red}
---
apiVersion: tocsin/v1
kind: Team
metadata: {name: blue}
spec: {displayName: Blue}
---
apiVersion: tocsin/v1
kind: Schedule
metadata: {name: reds}
spec: {team: red, timezone: UTC, rotation: {start: "2026-01-05T09:00", every: week, people: [maya]}}
---
apiVersion: tocsin/v1
kind: Schedule
metadata: {name: blues}
spec: {team: blue, timezone: UTC, rotation: {start: "2026-01-05T09:00", every: week, people: [jonas]}}
"""
TURN = 12  # weeks after the first Monday: the one after next, seen from 27 March


@pytest.fixture
async def asked(dsn: str) -> AsyncIterator[tuple[World, Swap]]:
    """Maya of the reds wants to give a week to jonas, and to take one of his of the blues."""
    async with running(dsn) as world:
        await world.apply(ACME + "---" + TWO_TEAMS)
        wanted = oncall.NewSwap(
            schedule="reds", layer="rotation", turn=TURN, partner="jonas",
            back_schedule="blues", back_layer="rotation", back_turn=TURN + 1,
        )  # fmt: skip
        maya = await person(world, "maya")
        yield world, await world.app.units.run(maya, lambda u: oncall.request_swap(u, wanted))


async def person(world: World, name: str) -> Actor:
    found = await world.app.units.run(maker(), directory)
    who = PersonId(found.person_named(name).id)
    return Actor(kind="person", id=who, name=name, role=Role.VIEWER, person_id=who)


async def directory(unit: Unit) -> Directory:
    return unit.config(Directory)


def maker(**teams: Role) -> Actor:
    """Return somebody else who may change the schedules of these teams."""
    found: Mapping[str, Role] = teams
    return Actor(kind="person", id=uuid7(), name="lea", role=Role.VIEWER, teams=found)


async def test_who_may_change_one_teams_schedule_cannot_accept_for_the_other(
    asked: tuple[World, Swap],
) -> None:
    world, swap = asked
    for lea in (maker(), maker(red=Role.MANAGER), maker(blue=Role.MANAGER)):
        with pytest.raises(Forbidden):
            await world.app.units.run(lea, lambda u: oncall.accept_swap(u, swap.id))
    both = maker(red=Role.MANAGER, blue=Role.MANAGER)
    taken = await world.app.units.run(both, lambda u: oncall.accept_swap(u, swap.id))
    assert taken.state is SwapState.ACCEPTED


async def test_the_partner_accepts_for_both_and_both_shifts_move(
    asked: tuple[World, Swap],
) -> None:
    world, swap = asked
    jonas, maya = await person(world, "jonas"), await person(world, "maya")
    with pytest.raises(Forbidden):
        await world.app.units.run(maya, lambda u: oncall.accept_swap(u, swap.id))
    await world.app.units.run(jonas, lambda u: oncall.accept_swap(u, swap.id))
    found = {}
    for name in ("reds", "blues"):
        answer = await world.http.get(
            f"/api/v1/oncall/schedules/{name}/shifts", headers=world.bearer,
            params={"to": "2026-05-01T00:00:00Z"},
        )  # fmt: skip
        shifts = answer.json()["shifts"]
        found[name] = {one["turn"]: one["person"]["name"] for one in shifts}
    assert (found["reds"][TURN], found["reds"][TURN + 1]) == ("Jonas Weber", "Maya Okafor")
    assert (found["blues"][TURN], found["blues"][TURN + 1]) == ("Jonas Weber", "Maya Okafor")


async def test_a_swap_stays_with_its_shift_when_the_turns_are_counted_from_later(
    asked: tuple[World, Swap],
) -> None:
    world, swap = asked
    jonas = await person(world, "jonas")
    await world.app.units.run(jonas, lambda u: oncall.accept_swap(u, swap.id))
    await world.apply(TWO_TEAMS.replace("2026-01-05T09:00", "2026-03-02T09:00"))
    [kept] = await world.rows("SELECT turn, back_turn FROM oncall.swaps")
    assert kept == (TURN - 8, TURN + 1 - 8)
    answer = await world.http.get(
        "/api/v1/oncall/schedules/reds/shifts", headers=world.bearer,
        params={"to": "2026-04-05T00:00:00Z"},
    )  # fmt: skip
    found = {one["start_at"]: one["person"]["name"] for one in answer.json()["shifts"]}
    assert found["2026-03-30T09:00:00Z"] == "Jonas Weber"
    await world.apply(TWO_TEAMS)  # and back
    [kept] = await world.rows("SELECT turn, back_turn FROM oncall.swaps")
    assert kept == (TURN, TURN + 1)


async def test_a_shift_in_return_that_the_partner_has_lost_meanwhile_moves_nothing(
    asked: tuple[World, Swap],
) -> None:
    world, swap = asked
    await world.apply(TWO_TEAMS.replace("people: [jonas]", "people: [boss]"))
    await world.forward(days=7)  # by now the new rotation is in force
    jonas = await person(world, "jonas")
    with pytest.raises(Conflict, match="Jonas"):
        await world.app.units.run(jonas, lambda u: oncall.accept_swap(u, swap.id))
    [(state,)] = await world.rows("SELECT state FROM oncall.swaps")
    assert state == "requested"
