"""A tap on the phone acknowledges through the ntfy server alone: Tocsin has no inbound address."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest
from hearing import hearing, is_in_state, said_how, states, until

from fakes.world import World, running
from integrations.ntfy_fake import NtfyServer, ntfy_server
from tocsin.integrations.ntfy.send import Ntfy
from tocsin.integrations.outbound import Outbound, networks
from tocsin.kernel.errors import Invalid
from tocsin.oncall.model import MethodKind

pytestmark = [pytest.mark.db, pytest.mark.journey]
TOPIC = "tocsin-replies-8Kq3"
PEOPLE = """
apiVersion: tocsin/v1
kind: Person
metadata: {name: maya}
spec: {displayName: Maya Okafor, contact: [{type: ntfy, topic: "URL/alarms-maya"}]}
---
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: default}
spec: {steps: [{targets: [{person: maya}], timeout: 5m}], ackTimeout: 30m}
"""


@asynccontextmanager
async def paged(dsn: str) -> AsyncIterator[tuple[World, NtfyServer]]:
    """Page Maya by ntfy."""
    async with ntfy_server() as server:
        replies = f"{server.url.replace('//', '//:tk_reads@')}/{TOPIC}"
        local = ("127.0.0.0/8",)
        async with running(dsn, ntfy_replies=replies, allow_networks=local) as world:
            outbound = Outbound(allowed=networks(",".join(local)))
            world.channels[MethodKind.NTFY] = Ntfy(outbound, replies=replies)
            await world.apply(PEOPLE.replace("URL", server.url))
            ends_at = world.clock.now() + timedelta(hours=9)
            await world.signal({"alertname": "CheckoutSlow"}, ends_at=ends_at)
            yield world, server


async def tap(published: dict[str, object]) -> None:
    """Do what the phone does on a tap of the first button."""
    button = published["actions"][0]  # type: ignore[index]
    async with httpx.AsyncClient() as phone:
        answer = await phone.request(
            button["method"], button["url"], content=button["body"], headers=button["headers"]
        )
    assert answer.is_success


async def test_a_tap_acknowledges_and_the_same_tap_never_again(dsn: str) -> None:
    async with paged(dsn) as (world, server), hearing(world):
        (page,) = server.on("alarms-maya")
        button = page["actions"][0]
        assert button["url"] == f"{server.url}/{TOPIC}"
        assert "tk_reads" not in str(page)
        await server.subscribed.wait()
        await tap(page)
        await until(lambda: is_in_state(world, "acknowledged"), "acknowledged")
        await world.settle()
        assert await said_how(world) == [("ntfy",)]
        # the acknowledgement runs out, and who read the topic says the word once more
        await world.forward(minutes=31)
        assert await states(world) == ["triggered"]
        await tap(page)
        again = server.on("alarms-maya")[-1]
        assert again["actions"][0]["body"] != button["body"]
        await until(lambda: heard_refusals(world, 1), "refused")
        assert await states(world) == ["triggered"]
        await tap(again)
        await until(lambda: is_in_state(world, "acknowledged"), "acknowledged again")


async def heard_refusals(world: World, count: int) -> bool:
    text = (await world.http.get("/metrics", headers=world.bearer)).text
    line = 'tocsin_replies_total{connection="ntfy",outcome="refused"}'
    found = [one for one in text.splitlines() if one.startswith(line)]
    return bool(found) and float(found[0].split()[-1]) >= count


async def test_a_tap_while_the_connection_was_broken_is_heard_afterwards(dsn: str) -> None:
    async with paged(dsn) as (world, server):
        (page,) = server.on("alarms-maya")
        async with hearing(world):
            await server.subscribed.wait()
            async with httpx.AsyncClient() as somebody:
                await somebody.post(f"{server.url}/{TOPIC}", content="ack nonsense")
            await until(lambda: position_is(world, "m2"), "the position kept")
        server.cut()
        await tap(page)
        async with hearing(world):
            await until(lambda: is_in_state(world, "acknowledged"), "acknowledged")


async def position_is(world: World, position: str) -> bool:
    return await world.rows("SELECT position FROM oncall.listeners") == [(position,)]


async def test_a_word_expires_and_is_bound_to_its_kind(dsn: str) -> None:
    async with paged(dsn) as (world, server), hearing(world):
        (page,) = server.on("alarms-maya")
        await server.subscribed.wait()
        world.clock.forward(seconds=2 * 86_400 + 1)
        await tap(page)
        await until(lambda: position_is(world, "m2"), "heard")
        assert (await states(world))[-1] != "acknowledged"


async def test_a_connection_that_is_down_is_named_and_fails_nothing(dsn: str) -> None:
    async with paged(dsn) as (world, _):
        ready = (await world.http.get("/health/ready")).json()
        assert "ntfy-not-heard" in ready["codes"]
        assert "replies by ntfy are not heard: not connected yet" in ready["warnings"]
        async with hearing(world):
            await until(lambda: connected(world), "connected")
        assert "tk_reads" not in (await world.http.get("/health/ready")).text


async def connected(world: World) -> bool:
    return "ntfy-not-heard" not in (await world.http.get("/health/ready")).text


async def test_a_wrong_token_is_said_without_the_token(dsn: str) -> None:
    async with paged(dsn) as (world, server):
        server.token = "tk_other"
        (listening,) = world.app.listening
        assert await listening.round() > 0
        (row,) = await world.rows("SELECT error FROM oncall.listeners")
        assert "403" in row[0]
        assert "tk_" not in row[0]


async def test_what_is_no_topic_is_refused_at_the_start(dsn: str) -> None:
    with pytest.raises(Invalid, match="TOCSIN_NTFY_REPLIES"):
        async with running(dsn, ntfy_replies="nonsense"):
            pass
