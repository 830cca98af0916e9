"""What tests of command do: people who ask, units that run, groups that fire."""

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from fakes.world import World
from tocsin.command import actions, reads
from tocsin.command.model import Declaration, Incident, Opening
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM, Actor
from tocsin.kernel.ids import GroupId, IncidentId
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Urgency

T = TypeVar("T")


def person(number: int, name: str, role: Role = Role.RESPONDER) -> Actor:
    id_ = UUID(int=number)
    return Actor(kind="person", id=id_, name=name, role=role, person_id=id_)


MAYA = person(5, "Maya")
JONAS = person(6, "Jonas")
BEA = person(7, "Bea", Role.MANAGER)
TOKEN = Actor(kind="token", id=UUID(int=8), name="robot", role=Role.MANAGER)
VIEWER = person(9, "Vera", Role.VIEWER)


async def run(world: World, act: Callable[[Unit], Awaitable[T]], actor: Actor = MAYA) -> T:
    return await world.app.units.run(actor, act)


async def opened(
    world: World, title: str = "Checkout is slow", actor: Actor = MAYA, **more: object
) -> Incident:
    opening = Opening(title=title, **{"urgency": Urgency.LOW, **more})  # type: ignore[arg-type]
    return await run(world, lambda u: actions.open(u, opening), actor)


async def declared(
    world: World,
    group: int,
    urgency: Urgency = Urgency.LOW,
    *,
    firing: int = 1,
    title: str = "Errors",
) -> Incident:
    """Let a group of alerts declare an incident, as flows do."""
    declaration = Declaration(
        title=title, description="", urgency=urgency, policy="", labels={"service": "checkout"},
        services=("checkout",), alert_count=firing, firing_count=firing,
    )  # fmt: skip
    return await run(
        world,
        lambda u: actions.declare_for(u, GroupId(UUID(int=group)), declaration),
        SYSTEM,
    )


async def seen(world: World, incident_id: IncidentId, actor: Actor = SYSTEM) -> Incident:
    return await run(world, lambda u: reads.incident(u, str(incident_id)), actor)


async def story(world: World) -> list[str]:
    """Return what command has said, without the prefix."""
    await world.settle()
    kinds = await world.story()
    return [kind.removeprefix("command.") for kind in kinds if kind.startswith("command.")]
