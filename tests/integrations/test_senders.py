"""What is particular to a sender: mail, webhook, ntfy, Apprise, the web inbox."""

import asyncio
import hmac
import json

import pytest
from loopback import answer, http_server, mail_server
from msgspec.structs import replace
from sender_rigs import (
    HTTP_ANSWERS,
    LOOPBACK,
    MESSAGE,
    NOON,
    World,
    apprise_rig,
    noon,
)

from tocsin.integrations.apprise.send import AppriseChannel
from tocsin.integrations.inbox.send import Inbox
from tocsin.integrations.ntfy.send import Ntfy
from tocsin.integrations.outbound import Outbound
from tocsin.integrations.smtp.send import Smtp
from tocsin.integrations.webhook.send import Webhook
from tocsin.oncall.ports import (
    Channel,
    PermanentFailure,
    Sent,
)


async def test_the_key_of_a_mail_stands_on_one_line_as_it_is() -> None:
    key = "01a207da-cbf7-745e-89f1-cb81c8872b79/e1/l0/s0/01a207c2-2b30-7eb5-bf52-e964d2a9151d/r0/m0"
    with mail_server() as (mailbox, url):
        channel = Smtp(url, sender="a@b.org", now=noon, timeout_s=5)
        await channel.send(replace(MESSAGE, key=key, to="ann@example.org"))
    assert f"\r\nX-Tocsin-Key: {key}\r\n".encode() in mailbox.raw[0]


async def test_two_attempts_of_one_key_carry_the_same_message_id() -> None:
    with mail_server() as (mailbox, url):
        channel = Smtp(url, sender="tocsin@example.org", now=noon)
        for _ in range(2):
            assert isinstance(await channel.send(replace(MESSAGE, to="ann@example.org")), Sent)
        await channel.send(replace(MESSAGE, to="ann@example.org", key="another"))
    first, second, third = mailbox.mails
    assert first["Message-ID"] == second["Message-ID"] != third["Message-ID"]
    assert first["References"] == third["References"]
    assert first["Auto-Submitted"] == "auto-generated"
    assert mailbox.recipients == ["ann@example.org"] * 3


def _is_signed(header: str, body: bytes, *, secret: str, at: int) -> bool:
    """Check a signature as webhook/doc.md tells receivers to."""
    fields = dict(part.partition("=")[::2] for part in header.split(","))
    stamp = fields.get("t", "")
    wanted = hmac.new(secret.encode(), stamp.encode() + b"." + body, "sha256").hexdigest()
    is_fresh = stamp.isdecimal() and abs(at - int(stamp)) <= 5 * 60
    return is_fresh and hmac.compare_digest(wanted, fields.get("v1", ""))


async def test_a_webhook_is_signed_over_its_time_and_body() -> None:
    async with http_server(HTTP_ANSWERS[World.WELL]) as server:
        channel = Webhook(Outbound(allowed=LOOPBACK), secret="shared", now=noon)
        to = f"http://127.0.0.1:{server.port}/hook"
        await channel.send(replace(MESSAGE, to=to))
        await channel.send(replace(MESSAGE, to=to, secret="its own"))
    shared, own = server.requests
    header, noon_s = shared.headers["tocsin-signature"], int(NOON.timestamp())
    assert _is_signed(header, shared.body, secret="shared", at=noon_s)
    assert _is_signed(own.headers["tocsin-signature"], own.body, secret="its own", at=noon_s)
    assert not _is_signed(header, shared.body + b" ", secret="shared", at=noon_s)
    assert not _is_signed(header, shared.body, secret="other", at=noon_s)
    assert not _is_signed(header, shared.body, secret="shared", at=noon_s + 3600)
    body = json.loads(shared.body)
    assert body["incident"] == "INC-7"
    assert body["ack_link"] == MESSAGE.ack_link


async def test_ntfy_gets_the_topic_the_link_and_the_credentials() -> None:
    async with http_server(HTTP_ANSWERS[World.WELL]) as server:
        channel = Ntfy(Outbound(allowed=LOOPBACK))
        base = f"127.0.0.1:{server.port}/push/alarms"
        await channel.send(replace(MESSAGE, to=f"ntfy+http://:tk_1@{base}"))
        await channel.send(replace(MESSAGE, to=f"ntfy+http://ann:pw@{base}"))
    with_token, with_password = server.requests
    body = json.loads(with_token.body)
    assert with_token.path == "/push/"
    assert body["topic"] == "alarms"
    assert body["click"] == MESSAGE.link
    assert [action["action"] for action in body["actions"]] == ["http", "view"]
    assert body["actions"][0]["url"] == MESSAGE.ack_link
    assert body["actions"][0]["method"] == "POST"
    assert body["actions"][1]["url"] == MESSAGE.link
    assert (body["priority"], body["tags"]) == (5, ["rotating_light"])
    assert with_token.headers["authorization"] == "Bearer tk_1"
    assert with_password.headers["authorization"] == "Basic YW5uOnB3"


@pytest.mark.parametrize(
    "url", ["http://h", "smtp://", "smtp://h?starttls=maybe", "smtp://h?x=1"]
)
def test_a_mail_server_that_makes_no_sense_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(ValueError, match="mail"):
        Smtp(url, sender="a@b.org", now=noon)


async def test_ntfy_lets_the_method_name_its_token_and_its_priority() -> None:
    published = answer(200, body=b'{"id":"Xk3","event":"message"}')
    async with http_server(published) as server:
        channel = Ntfy(Outbound(allowed=LOOPBACK))
        to = f"http://127.0.0.1:{server.port}/alarms"
        outcomes = [
            await channel.send(replace(MESSAGE, to=to, secret="tk_own", priority=3))
            for _ in range(2)
        ]
    assert outcomes == [Sent("Xk3")] * 2
    first, second = (json.loads(request.body) for request in server.requests)
    assert server.requests[0].headers["authorization"] == "Bearer tk_own"
    assert first["priority"] == 3
    assert (
        first["sequence_id"] == second["sequence_id"]
    )  # one message, however often it arrives


@pytest.mark.parametrize("name", ["webhook", "ntfy", "apprise"])
async def test_a_redirect_is_not_followed(name: str) -> None:
    async with http_server(answer(200)) as elsewhere:
        moved = answer(302, f"location: http://127.0.0.1:{elsewhere.port}/")
        async with http_server(moved) as server:
            outbound = Outbound(allowed=LOOPBACK)
            base = f"127.0.0.1:{server.port}"
            channels: dict[str, tuple[Channel, str]] = {
                "webhook": (Webhook(outbound, secret="", now=noon), f"http://{base}/hook"),
                "ntfy": (Ntfy(outbound), f"http://{base}/alarms"),
                "apprise": (AppriseChannel(outbound), f"json://{base}/hook"),
            }
            channel, to = channels[name]
            outcome = await channel.send(replace(MESSAGE, to=to))
            assert len(server.requests) == 1
        assert elsewhere.requests == []
    assert isinstance(outcome, PermanentFailure)


@pytest.mark.parametrize("world", [World.BUSY, World.REFUSES, World.GONE])
async def test_apprise_quotes_no_part_of_its_url(world: World) -> None:
    async with apprise_rig(world) as rig:
        outcome = await rig.channel.send(replace(MESSAGE, to=rig.to))
    assert not isinstance(outcome, Sent)
    assert "s3cret" not in outcome.reason


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("dbus://", "not allowed"),
        ("syslog://", "not allowed"),
        ("windows://", "not allowed"),
        ("exec://rm", "not allowed"),
        ("mqtt://127.0.0.1/topic", "not allowed"),
        ("json://127.0.0.1/?rto=600", "rto"),
        ("json://127.0.0.1/?redirect=yes", "redirect"),
        ("tgram://", "cannot read"),
        ("nope://s3cret", "cannot read"),
    ],
)
async def test_apprise_refuses_what_acts_here_and_what_undoes_our_limits(
    url: str, why: str
) -> None:
    channel = AppriseChannel(Outbound(allowed=LOOPBACK), disabled=("MQTT",))
    reason = channel.refuse(url)
    assert reason is not None
    assert why in reason
    assert "s3cret" not in reason
    assert await channel.send(replace(MESSAGE, to=url)) == PermanentFailure(
        reason, address_wrong=True
    )


@pytest.mark.parametrize(
    "url",
    ["json://127.0.0.1:1/", "gotify://127.0.0.1/tok",
     "mailto://u:p@b.org?smtp=127.0.0.1", "jsons://[::1]/"],
)  # fmt: skip
async def test_apprise_does_not_reach_into_the_network_it_runs_in(url: str) -> None:
    async with asyncio.timeout(5):
        outcome = await AppriseChannel(Outbound()).send(replace(MESSAGE, to=url))
    assert isinstance(outcome, PermanentFailure)
    assert "not a public address" in outcome.reason


async def test_an_ntfy_address_without_a_topic_is_none() -> None:
    outcome = await Ntfy(Outbound(allowed=LOOPBACK)).send(replace(MESSAGE, to="ntfy://h"))
    assert isinstance(outcome, PermanentFailure)
    assert outcome.address_wrong


async def test_the_inbox_has_the_message_already() -> None:
    assert await Inbox().send(MESSAGE) == Sent(MESSAGE.key)
