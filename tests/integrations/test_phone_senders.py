"""What is particular to Twilio, to a gateway of one's own, and to the webhooks of chats."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from loopback import answer, http_server
from msgspec.structs import replace
from sender_rigs import LOOPBACK, MESSAGE, TELEPHONE, TWILIO_ANSWERS, World

from tocsin.integrations.mattermost.send import Mattermost
from tocsin.integrations.outbound import Outbound
from tocsin.integrations.sms.send import Gateway, GatewaySms
from tocsin.integrations.teams.send import Teams
from tocsin.integrations.twilio.client import Account, Client
from tocsin.integrations.twilio.send import TwilioSms, TwilioVoice
from tocsin.oncall.ports import PermanentFailure, Sent, TransientFailure

HOOKS = "https://tocsin.example.org/hooks/twilio"
SID = "AC" + "0" * 32
TO = replace(MESSAGE, to=TELEPHONE, receipt="0195d3a0-7c1e-7b9a-9f5e-3d2c1b0a9876/2")


def account(port: int, sender: str = "+15005550006") -> Account:
    return Account(sid=SID, token="s3cret", sender=sender, url=f"http://127.0.0.1:{port}")


async def test_a_text_message_names_where_its_receipt_goes_and_how_long_it_is_worth() -> None:
    async with http_server(TWILIO_ANSWERS[World.WELL]) as server:
        client = Client(Outbound(allowed=LOOPBACK), account(server.port))
        outcome = await TwilioSms(client, hooks=HOOKS).send(TO)
        polled = await TwilioSms(client, hooks="").send(TO)
        tried = await TwilioSms(client, hooks=HOOKS).send(replace(TO, receipt=""))
    assert outcome == polled == Sent("SM1", receipt_within_s=60.0)
    assert tried == Sent("SM1")  # a test to oneself: nobody waits
    first, second, third = (parse_qs(one.body.decode()) for one in server.requests)
    assert first["StatusCallback"] == [f"{HOOKS}/sms/{TO.receipt}"]
    assert first["ValidityPeriod"] == ["600"]
    assert "StatusCallback" not in second
    assert "StatusCallback" not in third
    [path] = {one.path for one in server.requests}
    assert path == f"/2010-04-01/Accounts/{SID}/Messages.json"
    assert server.requests[0].headers["authorization"].startswith("Basic ")


async def test_a_messaging_service_sends_and_cannot_call() -> None:
    async with http_server(TWILIO_ANSWERS[World.WELL]) as server:
        service = "MG" + "a" * 32
        client = Client(Outbound(allowed=LOOPBACK), account(server.port, service))
        await TwilioSms(client, hooks=HOOKS).send(TO)
        with pytest.raises(ValueError, match="number"):
            TwilioVoice(client, hooks=HOOKS)
    [form] = (parse_qs(one.body.decode()) for one in server.requests)
    assert form["MessagingServiceSid"] == [service]
    assert "From" not in form


async def test_a_call_asks_us_what_to_say_or_brings_it_along() -> None:
    async with http_server(TWILIO_ANSWERS[World.WELL]) as server:
        client = Client(Outbound(allowed=LOOPBACK), account(server.port))
        await TwilioVoice(client, hooks=HOOKS).send(TO)
        await TwilioVoice(client, hooks="").send(TO)
    asks, brings = (parse_qs(one.body.decode()) for one in server.requests)
    assert asks["Url"] == [f"{HOOKS}/voice/{TO.receipt}"]
    assert asks["StatusCallback"] == [f"{HOOKS}/voice/{TO.receipt}/status"]
    assert "Twiml" not in asks
    assert "incident 7" in brings["Twiml"][0]
    assert "<Gather" not in brings["Twiml"][0]


@pytest.mark.parametrize(
    ("status", "code", "kind", "is_wrong"),
    [
        (400, 21211, PermanentFailure, True),
        (400, 21610, PermanentFailure, True),
        (400, 21408, PermanentFailure, False),  # not allowed to send to that country
        (401, 20003, PermanentFailure, False),
        (400, 21611, TransientFailure, False),  # our queue there is full
        (429, 20429, TransientFailure, False),
        (503, 0, TransientFailure, False),
    ],
)
async def test_what_a_refusal_of_twilio_means(
    status: int, code: int, kind: type[Any], is_wrong: bool
) -> None:
    body = json.dumps({"code": code, "message": f"to {TELEPHONE}", "status": status}).encode()
    async with http_server(answer(status, body=body)) as server:
        client = Client(Outbound(allowed=LOOPBACK), account(server.port))
        outcome = await TwilioSms(client, hooks=HOOKS).send(TO)
    assert isinstance(outcome, kind)
    assert getattr(outcome, "address_wrong", False) is is_wrong
    assert "s3cret" not in str(outcome)


@pytest.mark.parametrize(
    "wrong",
    [{"sid": "AC1"}, {"sender": "Tocsin"}, {"token": ""}, {"sender": "015123456789"}],
)
def test_an_account_that_makes_no_sense_is_refused_at_the_start(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"account|sender"):
        Client(Outbound(), replace(account(1), **wrong))


async def test_a_gateway_gets_what_the_template_says_and_nothing_breaks_out_of_it() -> None:
    nasty = replace(TO, subject='[INC-7] "}, {"to": "+1900', ack_link="")
    gateway = Gateway(
        url="", headers=("Authorization: Bearer tok", "X-Kind: page"), id_path="messages.0.id",
        body='{"messages": [{"destinations": ["{to}"], "text": "{text}", "ref": "k-{key}"}]}',
    )  # fmt: skip
    async with http_server(answer(202, body=b'{"messages": [{"id": 4711}]}')) as server:
        url = f"http://127.0.0.1:{server.port}/sms"
        outcome = await GatewaySms(Outbound(allowed=LOOPBACK), replace(gateway, url=url)).send(
            nasty
        )
    assert outcome == Sent("4711")
    [request] = server.requests
    assert json.loads(request.body) == {
        "messages": [
            {
                "destinations": [TELEPHONE],
                "text": '[INC-7] "}, {"to": "+1900',
                "ref": f"k-{MESSAGE.key}",
            }
        ]
    }
    assert request.headers["authorization"] == "Bearer tok"
    assert request.headers["content-type"] == "application/json"


async def test_a_gateway_may_take_a_form_or_everything_in_its_address() -> None:
    nasty = replace(TO, subject="[INC-7] a&to=+1900", ack_link="")
    async with http_server(answer(200)) as server:
        base = f"http://127.0.0.1:{server.port}"
        outbound = Outbound(allowed=LOOPBACK)
        form = Gateway(url=f"{base}/form", format="form", body="to={to}&msg={text}")
        await GatewaySms(outbound, form).send(nasty)
        get = Gateway(
            url=f"{base}/get?to={{to}}&msg={{text}}", format="none", method="GET", body=""
        )
        outcome = await GatewaySms(outbound, get).send(nasty)
    assert outcome == Sent("")
    posted, got = server.requests
    said = {"to": [TELEPHONE], "msg": ["[INC-7] a&to=+1900"]}
    assert parse_qs(posted.body.decode()) == said
    assert (got.method, parse_qs(urlsplit(got.path).query)) == ("GET", said)


@pytest.mark.parametrize(
    "wrong",
    [{"body": "{to"}, {"format": "form", "body": "x"}, {"headers": ("no header",)},
     {"headers": ("A: b\r\nC: d",)}],
)  # fmt: skip
def test_a_gateway_that_makes_no_sense_is_refused_at_the_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"body|header"):
        GatewaySms(Outbound(), Gateway(url="https://g.test", **wrong))


async def test_a_post_to_mattermost_mentions_nobody_and_acts_for_nobody() -> None:
    nasty = replace(TO, text="@channel [here](https://evil.example)\nAcknowledge: x", to="")
    async with http_server(answer(200, body=b"ok")) as server:
        to = f"http://127.0.0.1:{server.port}/hooks/xyz"
        assert await Mattermost(Outbound(allowed=LOOPBACK)).send(replace(nasty, to=to)) == Sent(
            ""
        )
    [shown] = json.loads(server.requests[0].body)["attachments"]
    assert "@channel" not in shown["text"]
    assert "](https://evil.example)" not in shown["text"].replace("\\]\\(", "")
    assert MESSAGE.ack_link not in shown["text"]  # others read along
    assert shown["title_link"] == MESSAGE.link


async def test_a_card_for_teams_opens_and_acts_for_nobody() -> None:
    async with http_server(answer(202)) as server:
        to = f"http://127.0.0.1:{server.port}/workflows/1/triggers/manual/paths/invoke?sig=x"
        nasty = replace(TO, to=to, text="a *b*\n[c](https://evil.example)")
        assert isinstance(await Teams(Outbound(allowed=LOOPBACK)).send(nasty), Sent)
    sent = json.loads(server.requests[0].body)
    [attachment] = sent["attachments"]
    assert sent["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert [one["type"] for one in card["actions"]] == ["Action.OpenUrl"]
    assert card["actions"][0]["url"] == MESSAGE.link
    assert "](https" not in card["body"][1]["text"].replace("\\]\\(", "")
