"""A Twilio that loses, refuses, is busy, slow or down: no page is lost for it."""

import socket
from datetime import timedelta
from typing import Any

import pytest

from fakes.fake_twilio import PUBLIC, hook, twilio
from fakes.phone_world import FIRE, MAIL, MAYA, PEOPLE, SMS, attempt, phoned
from fakes.world import NOON, World, running
from tocsin.kernel.errors import Invalid
from tocsin.oncall.model import MethodKind
from tocsin.oncall.ports import Channel, Outcome, Outgoing, PermanentFailure, TransientFailure

pytestmark = [pytest.mark.db, pytest.mark.journey]


async def test_what_did_not_arrive_is_followed_by_the_next_method_now(dsn: str) -> None:
    async with phoned(dsn, SMS, MAIL) as (world, fake):
        callback = fake.messages[0]["form"]["StatusCallback"]
        lost = {"MessageSid": "SM0", "MessageStatus": "undelivered", "ErrorCode": "30003"}
        for _ in range(2):
            assert (await hook(world.http, callback, lost)).status_code == 200
        await world.settle()
        assert await attempt(world) == ("failed", "sent", False, False, True)
        assert world.mail.to("maya@example.org") == [NOON]
        late = {"MessageSid": "SM0", "MessageStatus": "delivered"}  # after all
        await hook(world.http, callback, late)
        await world.forward(minutes=4)
        assert len(world.mail.sent) == 1


async def test_without_a_receipt_the_next_method_follows_after_a_minute(dsn: str) -> None:
    async with phoned(dsn, SMS, MAIL) as (world, _):
        await world.forward(seconds=59)
        assert world.mail.sent == []
        await world.forward(seconds=2)
        assert world.mail.to("maya@example.org") == [NOON + timedelta(seconds=60)]
        assert await attempt(world) == ("sent", "sent", False, False, False)
        await world.forward(minutes=3)
        assert world.mail.to("boss@example.org") == []  # it may have arrived: the step goes on
        assert "oncall.notification_unconfirmed" in await world.story()


async def test_a_number_that_twilio_refuses_is_given_up_at_once(dsn: str) -> None:
    async with twilio() as fake, running(dsn, **fake.settings) as world:
        world.channels.update(world.app.telephone.channels)
        await world.apply(PEOPLE % f"{SMS}, {MAIL}")
        fake.refuse(400, 21610, "Attempt to send to unsubscribed recipient +4915112345678")
        await world.signal(FIRE, ends_at=NOON + timedelta(hours=5))
        assert world.mail.to("maya@example.org") == [NOON]
        [(error,)] = await world.rows("SELECT error FROM oncall.attempts WHERE error <> ''")
        assert "21610" in error
        assert MAYA not in error


async def test_a_busy_twilio_is_asked_again_when_it_says(dsn: str) -> None:
    async with twilio() as fake, running(dsn, **fake.settings) as world:
        world.channels.update(world.app.telephone.channels)
        await world.apply(PEOPLE % f"{SMS}, {MAIL}")
        fake.refuse(429, 20429, "Too Many Requests", retry_after="12")
        await world.signal(FIRE, ends_at=NOON + timedelta(hours=5))
        assert fake.messages == []
        await world.forward(seconds=11)
        assert fake.messages == []
        await world.forward(seconds=2)
        assert [one["to"] for one in fake.messages] == [MAYA]
        assert world.mail.sent == []


async def test_a_provider_that_is_down_is_left_alone_and_somebody_is_told(dsn: str) -> None:
    async with phoned(dsn, SMS, MAIL) as (world, fake):
        await world.http.post("/api/v1/incidents/INC-1/acknowledge", headers=world.bearer)
        await world.forward(minutes=2)
        before = len(fake.asked)
        fake.refusals.extend([(503, {}, {})] * 40)
        for number in range(2):
            await world.signal(
                {**FIRE, "alertname": f"Fire{number}", "service": f"s{number}"},
                ends_at=NOON + timedelta(hours=5),
            )
            await world.forward(seconds=70)
        # then nobody asks it any more, but for one that shows after a while that it is still down
        assert len(fake.asked) - before == 6
        assert (await world.story()).count("oncall.provider_failed") == 2
        alerts = await world.rows("SELECT labels->>'alertname' FROM triage.alerts")
        assert ("TocsinProviderDown",) in alerts
        # who has another method is told by it, without waiting for the provider
        assert len(world.mail.to("maya@example.org")) >= 2
        fake.refusals.clear()
        await world.forward(minutes=6)
        await world.signal(
            {**FIRE, "alertname": "Later", "service": "later"},
            ends_at=NOON + timedelta(hours=5),
        )
        assert "oncall.provider_recovered" in await world.story()


async def test_a_page_that_reaches_nobody_is_told_to_static_numbers(dsn: str) -> None:
    last = ("sms:+15005550009", "tel:+15005550008")
    async with running(dsn, last_resort=last) as world:
        await world.signal(FIRE, ends_at=NOON + timedelta(hours=5))
        told = [(one.to, one.event) for _, one in world.mail.sent]
        assert told == [("+15005550009", "unpageable"), ("+15005550008", "unpageable")]
    with pytest.raises(Invalid, match="takes a number"):
        async with running(dsn, last_resort=("sms:0151",)):
            pass


async def test_where_the_gateway_is_down_twilio_sends_the_text(dsn: str) -> None:
    with socket.socket() as unheard:  # bound, and nobody listens
        unheard.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{unheard.getsockname()[1]}/send"
    async with phoned(dsn, SMS, MAIL, sms_url=gone) as (world, fake):
        assert [one["to"] for one in fake.messages] == [MAYA]
        assert await attempt(world) == ("sent", "sent", False, False, False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"twilio_account": "AC1", "twilio_token": "t", "twilio_from": "+15005550006"},
        {"twilio_token": "t"},
        {"sms_url": "https://sms.test", "sms_body": "{"},
        {"sms_url": "https://sms.test", "sms_headers": ("no header",)},
    ],
)
async def test_settings_that_make_no_sense_stop_the_start(
    dsn: str, wrong: dict[str, Any]
) -> None:
    with pytest.raises(Invalid, match="TOCSIN_"):
        async with running(dsn, **wrong):
            pass


async def test_a_slow_twilio_costs_no_page(dsn: str) -> None:
    outcomes: list[TransientFailure | PermanentFailure] = []
    async with twilio() as fake:
        from tocsin.integrations.outbound import Outbound, networks
        from tocsin.integrations.twilio.client import Account, Client
        from tocsin.integrations.twilio.send import TwilioSms
        from tocsin.oncall.ports import Outgoing

        fake.refusals.append(None)
        outbound = Outbound(allowed=networks("127.0.0.0/8"), timeout_s=0.2)
        told = fake.settings
        account = Account(
            sid=told["twilio_account"], token=told["twilio_token"], sender=told["twilio_from"],
            url=told["twilio_url"],
        )  # fmt: skip
        channel = TwilioSms(Client(outbound, account), hooks=f"{PUBLIC}/hooks/twilio")
        found = await channel.send(Outgoing(to=MAYA, subject="x", text="x", key="k"))
        assert isinstance(found, TransientFailure)
        outcomes.append(found)
    assert "0.2 s" in outcomes[0].reason


class Hasty:
    """A Twilio whose receipt is here before its answer is."""

    def __init__(self, inner: Channel, world: World, told: dict[str, str]) -> None:
        self._inner = inner
        self._world = world
        self._told = told

    async def send(self, message: Outgoing) -> Outcome:
        outcome = await self._inner.send(message)
        await hook(self._world.http, f"/hooks/twilio/sms/{message.receipt}", self._told)
        return outcome


@pytest.mark.parametrize(
    ("told", "next_at"),
    [
        ({"MessageStatus": "undelivered", "ErrorCode": "30005"}, [NOON]),
        ({"MessageStatus": "delivered"}, []),
    ],
)
async def test_a_receipt_may_be_here_before_the_answer_is(
    dsn: str, told: dict[str, str], next_at: list[Any]
) -> None:
    async with twilio() as fake, running(dsn, **fake.settings) as world:
        sends = world.app.telephone.channels[MethodKind.SMS]
        world.channels[MethodKind.SMS] = Hasty(sends, world, told)
        await world.apply(PEOPLE % f"{SMS}, {MAIL}")
        await world.signal(FIRE, ends_at=NOON + timedelta(hours=5))
        await world.forward(minutes=3)
        assert world.mail.to("maya@example.org") == next_at
