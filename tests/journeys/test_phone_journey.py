"""Pages by text message, with a Twilio on loopback: receipts, answers, and who is believed."""

from datetime import timedelta

import pytest

from fakes.fake_twilio import hook, twilio
from fakes.phone_world import FIRE, MAIL, MAYA, SMS, attempt, phoned, state
from fakes.world import NOON, running
from web.pages_world import browser

pytestmark = [pytest.mark.db, pytest.mark.journey]


async def test_a_text_message_is_delivered_and_a_4_takes_the_page(dsn: str) -> None:
    async with phoned(dsn, SMS, MAIL) as (world, fake):
        [sent] = fake.messages
        assert sent["to"] == MAYA
        assert sent["body"].startswith("[INC-1] HighErrorRate")
        assert "Reply 4 ack, 6 escalate" in sent["body"]
        callback = sent["form"]["StatusCallback"]
        for status in ("delivered", "sent", "queued", "delivered"):  # in no order, and twice
            answer = await hook(
                world.http, callback, {"MessageSid": sent["sid"], "MessageStatus": status}
            )
            assert answer.status_code == 200, answer.text
        assert await attempt(world) == ("sent", "sent", True, False, False)
        await world.forward(minutes=2)
        assert world.mail.sent == []  # it was confirmed, so no other method follows
        shown = (await world.http.get("/api/v1/incidents/INC-1", headers=world.bearer)).json()
        [tried] = shown["pages"][0]["notifications"][0]["attempts"]
        assert (tried["state"], tried["receipt"]) == ("delivered", "Twilio: delivered")
        assert tried["latency_s"] is not None
        reply = {"MessageSid": "SM1", "From": MAYA, "Body": " 4 "}
        answer = await hook(world.http, "/hooks/twilio/sms", reply)
        assert answer.status_code == 200
        assert "<Message>INC-1 acknowledged" in answer.text
        assert await state(world) == "acknowledged"
        assert await attempt(world) == ("sent", "sent", True, True, False)
        await world.settle()
        said = await world.rows(
            "SELECT line FROM kernel.log WHERE kind = 'oncall.page_acknowledged'"
        )
        assert '"SMS"' in str(said)


async def test_an_answer_that_is_sent_twice_acts_once(dsn: str) -> None:
    async with phoned(dsn, SMS) as (world, _):
        reply = {"MessageSid": "SM7", "From": MAYA, "Body": "6"}
        first = await hook(world.http, "/hooks/twilio/sms", reply)
        again = await hook(world.http, "/hooks/twilio/sms", reply)
        assert "escalated" in first.text
        assert "<Message>" not in again.text
        await world.settle()
        assert (await world.story()).count("oncall.escalation_asked") == 1
        assert len(world.mail.to("boss@example.org")) == 1


async def test_a_stranger_is_not_answered_and_changes_nothing(dsn: str) -> None:
    async with phoned(dsn, SMS) as (world, _):
        reply = {"MessageSid": "SM7", "From": "+15005550001", "Body": "4"}
        answer = await hook(world.http, "/hooks/twilio/sms", reply)
        assert (answer.status_code, "<Message>" in answer.text) == (200, False)
        assert await state(world) == "triggered"


async def test_a_wrong_signature_is_403_and_nothing_happens(dsn: str) -> None:
    async with phoned(dsn, SMS, MAIL) as (world, fake):
        reply = {"MessageSid": "SM1", "From": MAYA, "Body": "4"}
        for told in ({"token": "x" * 32}, {"url": "https://evil.example/hooks/twilio/sms"}):
            answer = await hook(world.http, "/hooks/twilio/sms", reply, **told)
            assert answer.status_code == 403
        callback = fake.messages[0]["form"]["StatusCallback"]
        lost = {"MessageStatus": "undelivered", "ErrorCode": "30003"}
        assert (await hook(world.http, callback, lost, token="y")).status_code == 403
        unsigned = await world.http.post("/hooks/twilio/sms", data=reply)
        assert unsigned.status_code == 403
        await world.settle()
        assert await state(world) == "triggered"
        assert world.mail.sent == []
        assert await attempt(world) == ("sent", "sent", False, False, False)


async def test_what_left_as_one_message_is_answered_and_received_as_one(dsn: str) -> None:
    async with phoned(dsn, SMS, MAIL) as (world, fake):
        for number in (2, 3):
            await world.signal(
                {**FIRE, "alertname": f"Fire{number}", "service": f"s{number}"},
                ends_at=NOON + timedelta(hours=5),
            )
        callback = fake.messages[0]["form"]["StatusCallback"]
        await hook(world.http, callback, {"MessageSid": "SM0", "MessageStatus": "delivered"})
        await world.forward(seconds=61)
        [_, second] = fake.messages
        assert second["body"].startswith("2 pages: INC-2, INC-3")
        callback = second["form"]["StatusCallback"]
        await hook(world.http, callback, {"MessageSid": "SM1", "MessageStatus": "delivered"})
        arrived = await world.rows("SELECT delivered_at IS NOT NULL FROM oncall.attempts")
        assert arrived == [(True,)] * 3
        reply = {"MessageSid": "SM9", "From": MAYA, "Body": "4"}
        answer = await hook(world.http, "/hooks/twilio/sms", reply)
        assert "INC-2 acknowledged" in answer.text
        assert "INC-3 acknowledged" in answer.text
        states = await world.rows("SELECT state FROM oncall.pages ORDER BY id")
        assert states == [("triggered",), ("acknowledged",), ("acknowledged",)]
        await world.forward(minutes=2)
        assert world.mail.sent == []
        named = {"MessageSid": "SM10", "From": MAYA, "Body": "4 1"}
        assert "INC-1 acknowledged" in (await hook(world.http, "/hooks/twilio/sms", named)).text


@pytest.mark.parametrize(("trusted", "status"), [((), 403), (("127.0.0.0/8",), 200)])
async def test_the_address_that_a_proxy_was_asked_under_counts_if_it_is_trusted(
    dsn: str, trusted: tuple[str, ...], status: int
) -> None:
    async with phoned(dsn, SMS, trusted_proxies=trusted) as (world, _):
        reply = {"MessageSid": "SM1", "From": MAYA, "Body": "4"}
        answer = await hook(
            world.http, "/hooks/twilio/sms", reply,
            url="https://pager.example.net/hooks/twilio/sms",
            x_forwarded_host="pager.example.net", x_forwarded_proto="https",
        )  # fmt: skip
        assert answer.status_code == status


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "sms", 405),
        ("POST", "nothing", 404),
        ("POST", "sms/no-id/1", 404),
        ("POST", "voice/0195d3a0-7c1e-7b9a-9f5e-3d2c1b0a9876/1", 404),
        ("POST", "voice/0195d3a0-7c1e-7b9a-9f5e-3d2c1b0a9876/1/nothing", 404),
        ("POST", "sms/0195d3a0-7c1e-7b9a-9f5e-3d2c1b0a9876/1", 200),  # a receipt of nobody's
    ],
)
async def test_what_is_no_hook_changes_nothing(
    dsn: str, method: str, path: str, status: int
) -> None:
    async with twilio() as fake, running(dsn, **fake.settings) as world:
        target = f"/hooks/twilio/{path}"
        if method == "GET":
            answer = await world.http.get(target)
        else:
            told = {"CallSid": "CA1", "MessageStatus": "failed"}
            answer = await hook(world.http, target, told)
        assert answer.status_code == status
        large = await world.http.post(target, content=b"x" * 70_000)
        assert large.status_code in (404, 413)


async def test_without_twilio_there_is_no_hook(dsn: str) -> None:
    async with running(dsn) as world:
        assert (await world.http.post("/hooks/twilio/sms", data={"a": "b"})).status_code == 404


async def test_where_twilio_cannot_reach_us_answers_and_receipts_are_fetched(dsn: str) -> None:
    # "auto": what Twilio cannot call it is asked for
    async with phoned(dsn, SMS, MAIL, url="http://tocsin.test") as (world, fake):
        [sent] = fake.messages
        assert "StatusCallback" not in sent["form"]
        assert (await world.http.get("/hooks/twilio/sms")).status_code == 405
        [listening] = world.app.listening
        polling = listening._listener  # type: ignore[attr-defined]
        position = await polling.once("")
        world.clock.forward(seconds=20)
        sent["status"] = "delivered"
        fake.text_in(MAYA, "4", world.clock.now())
        position = await polling.once(position)
        assert await state(world) == "acknowledged"
        assert await attempt(world) == ("sent", "sent", False, True, False)
        assert fake.messages[-1]["body"].startswith("INC-1 acknowledged")  # said in a text
        async with browser(world) as client:
            assert "Acked" in (await client.get("/incidents/INC-1")).text
        count = len(fake.messages)
        await polling.once(position)
        assert len(fake.messages) == count
