"""A page in Slack: pressed, changed in place, refused in words; over the protocol that Slack speaks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from hearing import hearing, is_in_state, said_how, states, until, verify

from fakes.world import World, running
from integrations.slack_fake import APP, BOT, SlackServer, slack_server
from tocsin.kernel.errors import Invalid
from tocsin.oncall.model import MethodKind

pytestmark = [pytest.mark.db, pytest.mark.journey]
PEOPLE = """
apiVersion: tocsin/v1
kind: Person
metadata: {name: maya}
spec: {displayName: Maya Okafor, contact: [{type: slack, id: U0MAYA}]}
---
apiVersion: tocsin/v1
kind: Person
metadata: {name: ops}
spec: {displayName: Operations, contact: [{type: slack, id: C0OPS}]}
---
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: default}
spec:
  steps:
    - {targets: [{person: maya}], timeout: 5m}
    - {targets: [{person: ops}], timeout: 5m}
  ackTimeout: 30m
"""


@asynccontextmanager
async def paged(dsn: str) -> AsyncIterator[tuple[World, SlackServer]]:
    """Page Maya in Slack; she is linked."""
    async with (
        slack_server() as slack,
        running(
            dsn, slack_api=slack.api, slack_bot_token=BOT, slack_app_token=APP,
            allow_networks=("127.0.0.0/8",),
        ) as world,
    ):  # fmt: skip
        world.channels[MethodKind.SLACK] = world.app.chats.channels[MethodKind.SLACK]
        await world.apply(PEOPLE)
        await verify(world, "maya", MethodKind.SLACK, "U0MAYA")
        ends_at = world.clock.now() + timedelta(hours=9)
        await world.signal(
            {"alertname": "CheckoutSlow"}, ends_at=ends_at, summary="p99 <!channel> & *bold*"
        )
        yield world, slack


def labels(message: dict[str, Any]) -> list[str]:
    return [
        one["text"]["text"] for block in message["blocks"] if block["type"] == "actions"
        for one in block["elements"]
    ]  # fmt: skip


async def test_a_press_acknowledges_and_the_message_says_so_in_place(dsn: str) -> None:
    async with paged(dsn) as (world, slack), hearing(world):
        ((ts, message),) = slack.in_("D0MAYA")
        assert labels(message) == ["Acknowledge", "Escalate", "Snooze 1 h", "Open"]
        assert "/a/" not in str(message)
        assert "<!channel>" not in message["text"]
        assert any(
            block.get("text", {}).get("type") == "plain_text"
            and "<!channel>" in block["text"]["text"]
            for block in message["blocks"]
        )
        await slack.connected.wait()
        pressed = await slack.press("U0MAYA", "D0MAYA", ts, "Acknowledge")
        await slack.until(lambda: pressed in slack.acknowledged and bool(slack.responses))
        assert "INC-1 acknowledged" in slack.responses[0]["text"]
        assert await states(world) == ["acknowledged"]
        await world.settle()
        assert await said_how(world) == [("Slack",)]
        ((_, message),) = slack.in_("D0MAYA")
        assert "Acknowledged by Maya Okafor" in message["text"]
        assert labels(message) == ["Open"]
        # it runs out: the same message waits again, and the new one stands in its thread
        await world.forward(minutes=31)
        (_, message), (_, again) = slack.in_("D0MAYA")
        assert labels(message) == ["Acknowledge", "Escalate", "Snooze 1 h", "Open"]
        assert (again["thread_ts"], again["reply_broadcast"]) == (ts, True)


async def test_a_stranger_is_refused_in_words_by_every_way(dsn: str) -> None:
    async with paged(dsn) as (world, slack), hearing(world):
        await slack.connected.wait()
        ((ts, _),) = slack.in_("D0MAYA")
        await slack.press("U0EVE", "D0MAYA", ts, "Acknowledge")
        await slack.command("U0EVE", "ack INC-1")
        await slack.write("U0EVE", "C0OPS", "!ack INC-1")
        await slack.write("U0EVE", "C0OPS", "who acks?")
        await slack.until(lambda: len(slack.responses) == 2 and len(slack.in_("C0OPS")) == 1)
        said = [one["text"] for one in slack.responses] + [slack.in_("C0OPS")[0][1]["text"]]
        assert all("I do not know whose Slack account" in one for one in said)
        assert await states(world) == ["triggered"]


async def test_commands_mentions_and_direct_messages_are_heard(dsn: str) -> None:
    async with paged(dsn) as (world, slack), hearing(world):
        await slack.connected.wait()
        await slack.command("U0MAYA", "")
        await slack.until(lambda: len(slack.responses) == 1)
        assert "I understand" in slack.responses[0]["text"]
        await slack.write("U0MAYA", "C0OPS", "<@UBOT> snooze INC-1 2h", type="app_mention")
        await until(lambda: is_in_state(world, "snoozed"), "snoozed")
        await world.forward(minutes=121)
        assert (await states(world)) == ["triggered"]
        now = f"{world.clock.now().timestamp():.6f}"
        await slack.write("U0MAYA", "D0MAYA", "ack", channel_type="im", ts=now)
        await until(lambda: is_in_state(world, "acknowledged"), "acknowledged")


async def test_slack_may_close_the_socket_and_repeat_itself_and_it_is_done_once(
    dsn: str,
) -> None:
    async with paged(dsn) as (world, slack), hearing(world):
        await slack.connected.wait()
        await slack.disconnect("refresh_requested")
        await slack.until(lambda: slack.opened == 2)
        await slack.connected.wait()
        event = {"type": "message", "user": "U0MAYA", "channel": "C0OPS", "text": "!ack INC-1",
                 "ts": f"{world.clock.now().timestamp():.6f}", "channel_type": "channel"}  # fmt: skip
        for _ in range(2):
            await slack.send("events_api", {"type": "event_callback", "event": event})
        await slack.until(lambda: len(slack.acknowledged) == 2)
        await until(lambda: is_in_state(world, "acknowledged"), "acknowledged")
        assert len(slack.in_("C0OPS")) == 1  # one answer


async def test_what_is_asked_for_too_often_is_sent_and_changed_later(dsn: str) -> None:
    async with paged(dsn) as (world, slack), hearing(world):
        await slack.connected.wait()
        await slack.command("U0MAYA", "ack")
        await until(lambda: is_in_state(world, "acknowledged"), "acknowledged")
        await slack.until(lambda: bool(slack.responses))
        slack.answers.append((429, {"retry-after": "7"}, {"ok": False, "error": "ratelimited"}))
        await world.settle()
        changed = [one["text"] for one in slack.edits]
        await world.forward(seconds=8)
        ((_, message),) = slack.in_("D0MAYA")
        assert "Acknowledged by Maya" in message["text"], changed


async def test_socket_mode_that_is_off_is_said_and_tokens_are_not(dsn: str) -> None:
    async with paged(dsn) as (world, slack):
        slack.socket_url = ""
        (listening,) = world.app.listening
        assert await listening.round() > 0
        ready = (await world.http.get("/health/ready")).json()
        assert "slack-not-heard" in ready["codes"]
        assert "Slack named no socket" in str(ready["warnings"])
        assert "xapp" not in str(ready)
        assert ready["ready"]


async def test_one_token_alone_is_refused_at_the_start(dsn: str) -> None:
    with pytest.raises(Invalid, match="TOCSIN_SLACK_APP_TOKEN"):
        async with running(dsn, slack_bot_token=BOT):
            pass
