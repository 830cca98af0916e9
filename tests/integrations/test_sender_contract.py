"""What every sender promises, on real servers: one message in, one named outcome out."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from enum import Enum, auto

import pytest
from loopback import answer, free_port, http_server, mail_server
from msgspec import Struct
from msgspec.structs import replace

from tocsin.integrations.ntfy.send import Ntfy
from tocsin.integrations.outbound import Outbound, networks
from tocsin.integrations.smtp.send import Smtp
from tocsin.integrations.webhook.send import Webhook, is_signed
from tocsin.oncall.ports import (
    Channel,
    Outgoing,
    PermanentFailure,
    Sent,
    TransientFailure,
)

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
LOOPBACK = networks("127.0.0.0/8")
MESSAGE = Outgoing(
    to="",
    subject="SEV2 checkout: latency",
    text="INC-7: p99 above 800 ms",
    html="<p>INC-7</p>",
    key="page-1:0:0:1:ann:email",
    thread="INC-7",
    incident="INC-7",
    link="http://127.0.0.1/incidents/7",
    ack_link="http://127.0.0.1/ack/abc",
)


class World(Enum):
    WELL = auto()
    BUSY = auto()
    REFUSES = auto()
    SLOW = auto()
    GONE = auto()


class Arrived(Struct, frozen=True, kw_only=True):
    """What came in at the other end, in the words all channels share."""

    key: str
    subject: str
    text: str
    header_names: tuple[str, ...]


class Rig(Struct, frozen=True, kw_only=True):
    channel: Channel
    to: str
    arrived: Callable[[], list[Arrived]]


MakeRig = Callable[[World], AbstractAsyncContextManager[Rig]]


@asynccontextmanager
async def smtp_rig(world: World) -> AsyncIterator[Rig]:
    if world is World.SLOW:
        async with http_server(None) as silent:  # accepts, and never greets
            channel = Smtp(
                f"smtp://127.0.0.1:{silent.port}", sender="a@b.org", now=noon, timeout_s=0.2
            )
            yield Rig(channel=channel, to="ann@example.org", arrived=list)
        return
    refusal = {World.BUSY: "451 greylisted", World.REFUSES: "550 no such user"}.get(world, "")
    with mail_server(refusal) as (mailbox, url):
        address = f"smtp://127.0.0.1:{free_port()}" if world is World.GONE else url
        channel = Smtp(address, sender="Tocsin <tocsin@example.org>", now=noon, timeout_s=5)

        def arrived() -> list[Arrived]:
            return [
                Arrived(
                    key=mail["X-Tocsin-Key"],
                    subject=mail["Subject"],
                    text=str(mail.get_body(("plain",))),
                    header_names=tuple(mail.keys()),
                )
                for mail in mailbox.mails
            ]

        yield Rig(channel=channel, to="ann@example.org", arrived=arrived)


HTTP_ANSWERS = {
    World.WELL: answer(200, "x-request-id: r-1", body=b'{"id":"n-1"}'),
    World.BUSY: answer(503, "retry-after: 7"),
    World.REFUSES: answer(404),
    World.SLOW: None,
    World.GONE: None,
}


def http_rig(name: str) -> MakeRig:
    @asynccontextmanager
    async def rig(world: World) -> AsyncIterator[Rig]:
        async with http_server(HTTP_ANSWERS[world]) as server:
            outbound = Outbound(allowed=LOOPBACK, timeout_s=0.2 if world is World.SLOW else 5)
            port = free_port() if world is World.GONE else server.port
            channel: Channel
            if name == "ntfy":
                channel, to = Ntfy(outbound), f"ntfy+http://127.0.0.1:{port}/alarms"
            else:
                channel = Webhook(outbound, secret="s3cret", now=noon)
                to = f"http://127.0.0.1:{port}/hook"

            def arrived() -> list[Arrived]:
                found = []
                for request in server.requests:
                    body = json.loads(request.body)
                    found.append(
                        Arrived(
                            key=request.headers["idempotency-key"],
                            subject=body["title" if name == "ntfy" else "subject"],
                            text=body["message" if name == "ntfy" else "text"],
                            header_names=tuple(request.headers),
                        )
                    )
                return found

            yield Rig(channel=channel, to=to, arrived=arrived)

    return rig


def noon() -> datetime:
    return NOON


RIGS: dict[str, MakeRig] = {
    "smtp": smtp_rig,
    "webhook": http_rig("webhook"),
    "ntfy": http_rig("ntfy"),
}


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


@pytest.mark.parametrize(
    "to", ["", "nonsense", "a@b.org\r\nBcc: c@d.org", "http://", "ntfy://h", "\0"]
)
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


async def test_a_webhook_is_signed_over_its_time_and_body() -> None:
    async with http_server(HTTP_ANSWERS[World.WELL]) as server:
        channel = Webhook(Outbound(allowed=LOOPBACK), secret="shared", now=noon)
        to = f"http://127.0.0.1:{server.port}/hook"
        await channel.send(replace(MESSAGE, to=to))
        await channel.send(replace(MESSAGE, to=to, secret="its own"))
    shared, own = server.requests
    header = shared.headers["tocsin-signature"]
    assert is_signed(header, shared.body, secret="shared", now=NOON)
    assert is_signed(own.headers["tocsin-signature"], own.body, secret="its own", now=NOON)
    assert not is_signed(header, shared.body + b" ", secret="shared", now=NOON)
    assert not is_signed(header, shared.body, secret="other", now=NOON)
    assert not is_signed(header, shared.body, secret="shared", now=NOON.replace(hour=13))
    assert not is_signed("v1=é", shared.body, secret="shared", now=NOON)
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
    assert body["actions"][0]["url"] == MESSAGE.ack_link
    assert with_token.headers["authorization"] == "Bearer tk_1"
    assert with_password.headers["authorization"] == "Basic YW5uOnB3"


@pytest.mark.parametrize(
    "url", ["http://h", "smtp://", "smtp://h?starttls=maybe", "smtp://h?x=1"]
)
def test_a_mail_server_that_makes_no_sense_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(ValueError, match="mail"):
        Smtp(url, sender="a@b.org", now=noon)
