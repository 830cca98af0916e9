"""Every sender with a real server at its other end, well or in trouble."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from enum import Enum, auto

from loopback import answer, free_port, http_server, mail_server
from msgspec import Struct

from tocsin.integrations.apprise.send import AppriseChannel
from tocsin.integrations.ntfy.send import Ntfy
from tocsin.integrations.outbound import Outbound, networks
from tocsin.integrations.smtp.send import Smtp
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


def noon() -> datetime:
    return NOON


RIGS: dict[str, MakeRig] = {
    "smtp": smtp_rig,
    "webhook": http_rig("webhook"),
    "ntfy": http_rig("ntfy"),
    "apprise": apprise_rig,
}
