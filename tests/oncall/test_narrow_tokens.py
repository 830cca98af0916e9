"""By what a person is reached is theirs: a token for less than they may do does not change it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

import tocsin.oncall.actions as oncall
from fakes.world import ACME, World, running
from tocsin.kernel.access import Role
from tocsin.kernel.actor import Actor
from tocsin.kernel.errors import Forbidden
from tocsin.kernel.ids import uuid7
from tocsin.kernel.unit import Unit
from tocsin.oncall.core.config import Directory
from tocsin.oncall.model import FeedKind

pytestmark = pytest.mark.db


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    async with running(dsn) as world:
        await world.apply(ACME)
        yield world


def maya(world: World, *, is_narrow: bool) -> Actor:
    found = world.app.store.current.part(Directory).person_named("maya")
    return Actor(
        kind="person", id=found.id, name="Maya", role=Role.RESPONDER, person_id=found.id,
        is_narrow=is_narrow,
    )  # fmt: skip


async def share(unit: Unit) -> Any:
    return await oncall.add_feed(unit, FeedKind.PERSON)


async def subscribe(unit: Unit) -> Any:
    device = oncall.Subscription(
        endpoint="https://push.example.org/x", p256dh=b"x" * 65, auth=b"x" * 16, name="phone"
    )
    return await oncall.subscribe(unit, device)


async def rename(unit: Unit) -> Any:
    return await oncall.rename_device(unit, uuid7(), "mine")


@pytest.mark.parametrize("verb", [share, subscribe, rename])
async def test_a_token_for_less_changes_nothing_of_how_its_person_is_reached(
    world: World, verb: Any
) -> None:
    with pytest.raises(Forbidden, match="token"):
        await world.app.units.run(maya(world, is_narrow=True), verb)


async def test_the_person_may(world: World) -> None:
    made = await world.app.units.run(maya(world, is_narrow=False), share)
    assert made.feed.created_at - world.clock.now() < timedelta(seconds=1)
