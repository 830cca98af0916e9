"""What every sender promises, on real servers: one message in, one named outcome out."""

import pytest
from msgspec.structs import replace
from sender_rigs import MESSAGE, RIGS, MakeRig, World

from tocsin.oncall.ports import (
    PermanentFailure,
    Sent,
    TransientFailure,
)


@pytest.fixture(params=RIGS)
def rigged(request: pytest.FixtureRequest) -> MakeRig:
    return RIGS[request.param]


async def test_a_message_that_was_taken_is_sent_with_its_key(rigged: MakeRig) -> None:
    async with rigged(World.WELL) as rig:
        outcome = await rig.channel.send(replace(MESSAGE, to=rig.to))
        (arrived,) = rig.arrived()
    assert isinstance(outcome, Sent)
    assert arrived.key == MESSAGE.key
    assert arrived.subject == MESSAGE.subject
    assert "INC-7" in arrived.text


async def test_a_busy_provider_may_take_it_later(rigged: MakeRig) -> None:
    async with rigged(World.BUSY) as rig:
        outcome = await rig.channel.send(replace(MESSAGE, to=rig.to))
    assert isinstance(outcome, TransientFailure)
    assert outcome.retry_after_s in {None, 7.0}


async def test_a_provider_that_is_gone_may_come_back(rigged: MakeRig) -> None:
    async with rigged(World.GONE) as rig:
        outcome = await rig.channel.send(replace(MESSAGE, to=rig.to))
    assert isinstance(outcome, TransientFailure)


async def test_a_provider_that_does_not_answer_ends_at_the_time_limit(rigged: MakeRig) -> None:
    async with rigged(World.SLOW) as rig:
        outcome = await rig.channel.send(replace(MESSAGE, to=rig.to))
    assert isinstance(outcome, TransientFailure)
    assert "0.2 s" in outcome.reason


async def test_an_unknown_address_is_the_addresses_fault_for_good(rigged: MakeRig) -> None:
    async with rigged(World.REFUSES) as rig:
        outcome = await rig.channel.send(replace(MESSAGE, to=rig.to))
    assert isinstance(outcome, PermanentFailure)
    assert outcome.address_wrong


@pytest.mark.parametrize("to", ["", "nonsense", "a@b.org\r\nBcc: c@d.org", "http://", "\0"])
async def test_what_is_no_address_fails_for_good_and_sends_nothing(
    rigged: MakeRig, to: str
) -> None:
    async with rigged(World.WELL) as rig:
        outcome = await rig.channel.send(replace(MESSAGE, to=to))
        assert rig.arrived() == []
    assert isinstance(outcome, PermanentFailure)
    assert outcome.address_wrong


async def test_text_from_an_alert_adds_no_header_and_no_recipient(rigged: MakeRig) -> None:
    nasty = "x\r\nBcc: eve@example.org\r\nX-Evil: 1\r\n\r\n\u202ebody\0\u2028y"
    async with rigged(World.WELL) as rig:
        message = replace(
            MESSAGE, to=rig.to, subject=nasty, text=nasty, key=nasty, thread=nasty, event=nasty
        )
        outcome = await rig.channel.send(message)
        (arrived,) = rig.arrived()
    assert isinstance(outcome, Sent)
    assert not {"bcc", "x-evil"} & {name.lower() for name in arrived.header_names}


async def test_lone_surrogates_and_huge_texts_still_go_out(rigged: MakeRig) -> None:
    async with rigged(World.WELL) as rig:
        huge = replace(MESSAGE, to=rig.to, subject="s" * 10_000, text="zeile\n" * 100_000)
        assert isinstance(await rig.channel.send(huge), Sent)
        assert all(len(arrived.text) < 1_000_000 for arrived in rig.arrived())
