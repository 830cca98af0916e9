"""Pages by call, with a Twilio on loopback: who took it, which key, and which next method."""

import pytest

from fakes.fake_twilio import hook
from fakes.phone_world import CALL, MAIL, MAYA, attempt, phoned, state
from fakes.world import NOON

pytestmark = [pytest.mark.db, pytest.mark.journey]


async def test_a_call_is_taken_and_a_4_takes_the_page(dsn: str) -> None:
    async with phoned(dsn, CALL, MAIL) as (world, fake):
        [call] = fake.calls
        form = call["form"]
        assert (form["To"], form["MachineDetection"]) == (MAYA, "Enable")
        told = {"CallSid": call["sid"], "CallStatus": "in-progress", "AnsweredBy": "human"}
        answer = await hook(world.http, form["Url"], told)
        assert answer.status_code == 200
        assert "Incident 1. HighErrorRate" in answer.text
        keys = f"{form['Url']}/keys"
        assert f'action="{keys}"' in answer.text
        again = await hook(world.http, keys, {"CallSid": call["sid"], "Digits": "*"})
        assert "Incident 1" in again.text
        assert await state(world) == "triggered"
        pressed = await hook(world.http, keys, {"CallSid": call["sid"], "Digits": "4"})
        assert "INC-1 acknowledged" in pressed.text
        assert "<Gather" not in pressed.text
        assert await state(world) == "acknowledged"
        ended = {"CallSid": call["sid"], "CallStatus": "completed", "AnsweredBy": "human"}
        await hook(world.http, form["StatusCallback"], ended)
        await world.forward(minutes=4)
        assert world.mail.sent == []


async def test_a_key_that_is_played_again_after_the_page_calls_again_does_nothing(
    dsn: str,
) -> None:
    async with phoned(dsn, CALL) as (world, fake):
        keys = f"{fake.calls[0]['form']['Url']}/keys"
        pressed = {"CallSid": fake.calls[0]["sid"], "Digits": "4"}
        await hook(world.http, keys, pressed)
        assert await state(world) == "acknowledged"
        await world.forward(minutes=31)  # the acknowledgement has run out
        assert await state(world) == "triggered"
        assert (await hook(world.http, keys, pressed)).status_code == 200
        assert await state(world) == "triggered"


@pytest.mark.parametrize("by", ["machine_start", "fax"])
async def test_an_answering_machine_is_not_the_person(dsn: str, by: str) -> None:
    async with phoned(dsn, CALL, MAIL) as (world, fake):
        form = fake.calls[0]["form"]
        told = {"CallSid": "CA0", "CallStatus": "in-progress", "AnsweredBy": by}
        answer = await hook(world.http, form["Url"], told)
        assert "Incident" not in answer.text
        assert "<Hangup/>" in answer.text
        ended = {"CallSid": "CA0", "CallStatus": "completed", "AnsweredBy": by}
        await hook(world.http, form["StatusCallback"], ended)
        await world.settle()
        assert world.mail.to("maya@example.org") == [NOON]
        assert await attempt(world) == ("failed", "sent", False, False, True)


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed", "canceled"])
async def test_a_call_that_nobody_takes_is_followed_at_once(dsn: str, status: str) -> None:
    async with phoned(dsn, CALL, MAIL) as (world, fake):
        callback = fake.calls[0]["form"]["StatusCallback"]
        await hook(world.http, callback, {"CallSid": "CA0", "CallStatus": status})
        await world.settle()
        assert world.mail.to("maya@example.org") == [NOON]
