"""Every sender with a real server at its other end, well or in trouble."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from enum import Enum, auto
from urllib.parse import parse_qsl

from loopback import answer, free_port, http_server, mail_server
from msgspec import Struct

from tocsin.integrations.apprise.send import AppriseChannel
from tocsin.integrations.matrix.api import Homeserver
from tocsin.integrations.matrix.send import Matrix
from tocsin.integrations.mattermost.send import Mattermost
from tocsin.integrations.ntfy.send import Ntfy
from tocsin.integrations.outbound import Outbound, networks
from tocsin.integrations.slack.api import SlackApi
from tocsin.integrations.slack.send import Slack
from tocsin.integrations.sms.send import Gateway, GatewaySms
from tocsin.integrations.smtp.send import Smtp
from tocsin.integrations.teams.send import Teams
from tocsin.integrations.twilio.client import Account, Client
from tocsin.integrations.twilio.send import TwilioSms, TwilioVoice
from tocsin.integrations.webhook.send import Webhook
from tocsin.oncall.ports import (
    Channel,
    Outgoing,
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
                channel, to = Ntfy(outbound), f"http://127.0.0.1:{port}/alarms"
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


@asynccontextmanager
async def apprise_rig(world: World) -> AsyncIterator[Rig]:
    async with http_server(HTTP_ANSWERS[world]) as server:
        outbound = Outbound(allowed=LOOPBACK)
        channel = AppriseChannel(outbound, timeout_s=0.2 if world is World.SLOW else 5)
        port = free_port() if world is World.GONE else server.port

        def arrived() -> list[Arrived]:
            bodies = [(request, json.loads(request.body)) for request in server.requests]
            return [
                Arrived(
                    key=MESSAGE.key,  # Apprise has no field for it
                    subject=body["title"],
                    text=body["message"],
                    header_names=tuple(request.headers),
                )
                for request, body in bodies
            ]

        yield Rig(channel=channel, to=f"json://127.0.0.1:{port}/s3cret", arrived=arrived)


TWILIO_ANSWERS = {
    World.WELL: answer(201, body=b'{"sid":"SM1","status":"queued","error_code":null}'),
    World.BUSY: answer(429, "retry-after: 7", body=b'{"code":20429,"message":"busy"}'),
    World.REFUSES: answer(400, body=b'{"code":21211,"message":"not a valid phone number"}'),
    World.SLOW: None,
    World.GONE: None,
}
TELEPHONE = "+4915123456789"


def twilio_rig(name: str) -> MakeRig:
    @asynccontextmanager
    async def rig(world: World) -> AsyncIterator[Rig]:
        async with http_server(TWILIO_ANSWERS[world]) as server:
            outbound = Outbound(allowed=LOOPBACK, timeout_s=0.2 if world is World.SLOW else 5)
            port = free_port() if world is World.GONE else server.port
            account = Account(
                sid="AC" + "0" * 32, token="t", sender="+15005550006",
                url=f"http://127.0.0.1:{port}",
            )  # fmt: skip
            client = Client(outbound, account)
            sends = (
                TwilioSms(client, hooks="") if name == "sms" else TwilioVoice(client, hooks="")
            )

            def arrived() -> list[Arrived]:
                forms = [(one, dict(parse_qsl(one.body.decode()))) for one in server.requests]
                return [
                    Arrived(
                        key=one.headers["i-twilio-idempotency-token"],
                        subject=MESSAGE.subject,  # a short text has one for both
                        text=form.get("Body", "") or form["Twiml"].replace("incident ", "INC-"),
                        header_names=tuple(one.headers),
                    )
                    for one, form in forms
                ]

            yield Rig(channel=sends, to=TELEPHONE, arrived=arrived)

    return rig


@asynccontextmanager
async def gateway_rig(world: World) -> AsyncIterator[Rig]:
    async with http_server(HTTP_ANSWERS[world]) as server:
        outbound = Outbound(allowed=LOOPBACK, timeout_s=0.2 if world is World.SLOW else 5)
        port = free_port() if world is World.GONE else server.port
        gateway = Gateway(url=f"http://127.0.0.1:{port}/send", id_path="id")

        def arrived() -> list[Arrived]:
            return [
                Arrived(
                    key=one.headers["idempotency-key"], subject=MESSAGE.subject,
                    text=json.loads(one.body)["text"], header_names=tuple(one.headers),
                )
                for one in server.requests
            ]  # fmt: skip

        yield Rig(channel=GatewaySms(outbound, gateway), to=TELEPHONE, arrived=arrived)


def chat_rig(name: str) -> MakeRig:
    @asynccontextmanager
    async def rig(world: World) -> AsyncIterator[Rig]:
        async with http_server(HTTP_ANSWERS[world]) as server:
            outbound = Outbound(allowed=LOOPBACK, timeout_s=0.2 if world is World.SLOW else 5)
            port = free_port() if world is World.GONE else server.port
            sends = Mattermost(outbound) if name == "mattermost" else Teams(outbound)

            def arrived() -> list[Arrived]:
                found = []
                for one in server.requests:
                    [shown] = json.loads(one.body)["attachments"]
                    body = shown if name == "mattermost" else shown["content"]["body"]
                    title = body["title"] if name == "mattermost" else body[0]["text"]
                    text = body["text"] if name == "mattermost" else body[1]["text"]
                    found.append(
                        Arrived(
                            key=one.headers["idempotency-key"], subject=title,
                            text=text.replace("\\", ""), header_names=tuple(one.headers),
                        )
                    )  # fmt: skip
                return found

            yield Rig(channel=sends, to=f"http://127.0.0.1:{port}/hook", arrived=arrived)

    return rig


@asynccontextmanager
async def matrix_rig(world: World) -> AsyncIterator[Rig]:
    taken = answer(200, body=b'{"event_id":"$e"}')
    refused = answer(404, body=b'{"errcode":"M_NOT_FOUND"}')
    answers = {**HTTP_ANSWERS, World.WELL: taken, World.REFUSES: refused}
    async with http_server(answers[world]) as server:
        outbound = Outbound(allowed=LOOPBACK, timeout_s=0.2 if world is World.SLOW else 5)
        port = free_port() if world is World.GONE else server.port
        channel = Matrix(Homeserver(outbound, url=f"http://127.0.0.1:{port}", token="t0ken"))

        def arrived() -> list[Arrived]:
            bodies = [(request, json.loads(request.body)) for request in server.requests]
            return [
                Arrived(
                    key=MESSAGE.key,  # its digest is the transaction in the path
                    subject=body["body"].partition("\n\n")[0],
                    text=body["body"],
                    header_names=tuple(request.headers),
                )
                for request, body in bodies
            ]

        yield Rig(channel=channel, to="!ops:example.org", arrived=arrived)


@asynccontextmanager
async def slack_rig(world: World) -> AsyncIterator[Rig]:
    taken = answer(200, body=b'{"ok":true,"channel":"C0OPS","ts":"1.1"}')
    refused = answer(200, body=b'{"ok":false,"error":"channel_not_found"}')
    answers = {**HTTP_ANSWERS, World.WELL: taken, World.REFUSES: refused}
    async with http_server(answers[world]) as server:
        outbound = Outbound(allowed=LOOPBACK, timeout_s=0.2 if world is World.SLOW else 5)
        port = free_port() if world is World.GONE else server.port
        channel = Slack(SlackApi(outbound, base=f"http://127.0.0.1:{port}/api/", token="t0ken"))

        def arrived() -> list[Arrived]:
            bodies = [(request, json.loads(request.body)) for request in server.requests]
            return [
                Arrived(
                    key=MESSAGE.key,  # Slack has no field for it
                    subject=body["text"],
                    text=json.dumps(body["blocks"]),
                    header_names=tuple(request.headers),
                )
                for request, body in bodies
            ]

        yield Rig(channel=channel, to="C0OPS", arrived=arrived)


def noon() -> datetime:
    return NOON


RIGS: dict[str, MakeRig] = {
    "smtp": smtp_rig,
    "webhook": http_rig("webhook"),
    "ntfy": http_rig("ntfy"),
    "apprise": apprise_rig,
    "twilio-sms": twilio_rig("sms"),
    "twilio-voice": twilio_rig("voice"),
    "gateway": gateway_rig,
    "mattermost": chat_rig("mattermost"),
    "teams": chat_rig("teams"),
    "matrix": matrix_rig,
    "slack": slack_rig,
}
