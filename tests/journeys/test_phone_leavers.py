"""Whose account is disabled does nothing by telephone, though their number is still known."""

import pytest

from fakes.fake_twilio import hook
from fakes.phone_world import CALL, MAYA, SMS, phoned, state
from fakes.world import World

pytestmark = [pytest.mark.db, pytest.mark.journey]
API = "/api/v1/people/maya"


async def disable(world: World) -> None:
    """Give maya an account, and take it from her."""
    for verb, body in (("invite", {"role": "responder"}), ("disable", {})):
        answer = await world.http.post(f"{API}/{verb}", headers=world.bearer, json=body)
        assert answer.status_code < 300, answer.text
    await world.settle()


async def test_a_text_message_of_theirs_changes_nothing_and_says_why(dsn: str) -> None:
    async with phoned(dsn, SMS) as (world, _):
        await disable(world)
        for number, text in enumerate(("4", "6", "4 INC-1")):
            told = {"MessageSid": f"SM{number}", "From": MAYA, "Body": text}
            answer = await hook(world.http, "/hooks/twilio/sms", told)
            assert answer.status_code == 200
            assert "not a member any more" in answer.text
        await world.settle()
        assert await state(world) == "triggered"
        assert not {"oncall.page_acknowledged", "oncall.escalation_asked"} & {
            *await world.story()
        }


async def test_a_key_that_they_press_in_a_call_changes_nothing(dsn: str) -> None:
    async with phoned(dsn, CALL) as (world, fake):
        await disable(world)
        for digit in ("4", "6"):
            pressed = {"CallSid": fake.calls[0]["sid"], "Digits": digit}
            answer = await hook(world.http, f"{fake.calls[0]['form']['Url']}/keys", pressed)
            assert "not a member any more" in answer.text
        await world.settle()
        assert await state(world) == "triggered"
        assert not {"oncall.page_acknowledged", "oncall.escalation_asked"} & {
            *await world.story()
        }
