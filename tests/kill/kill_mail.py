# ruff: noqa: ARG002 - the arguments are what aiosmtpd passes
"""A mail server on loopback that remembers the key of every mail it has accepted."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default
from random import Random

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from kill_server import free_port
from msgspec import Struct


class Mail(Struct, frozen=True):
    key: str
    at: float  # monotonic


class Sink:
    """Takes its time, refuses now and then for the moment, and stalls when it is told to."""

    def __init__(
        self, rng: Random, *, slow_s: float, refused_share: float, host: str = "127.0.0.1"
    ) -> None:
        self.host = host
        self._rng = rng
        self._slow_s = slow_s
        self._refused_share = refused_share
        self.is_stalling = False
        self.arrived: list[Mail] = []
        self.accepted: list[Mail] = []
        self.port = free_port(rng)

    @property
    def url(self) -> str:
        return f"smtp://{self.host}:{self.port}?starttls=never"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd calls it so
        assert isinstance(envelope.content, bytes)
        key = str(message_from_bytes(envelope.content, policy=default)["X-Tocsin-Key"])
        self.arrived.append(Mail(key, time.monotonic()))
        await asyncio.sleep(self._rng.uniform(0, self._slow_s))
        while self.is_stalling:
            await asyncio.sleep(0.02)
        if self._rng.random() < self._refused_share:
            return "451 come again"
        # from here on the sender may die before it hears of it: the stated window
        self.accepted.append(Mail(key, time.monotonic()))
        await asyncio.sleep(self._rng.uniform(0, self._slow_s))
        return "250 kept"


@contextmanager
def mail_sink(
    rng: Random,
    *,
    slow_s: float = 0.0,
    refused_share: float = 0.0,
    host: str = "127.0.0.1",
) -> Iterator[Sink]:
    """Serve a sink until the end of the block."""
    sink = Sink(rng, slow_s=slow_s, refused_share=refused_share, host=host)
    controller = Controller(sink, hostname=host, port=sink.port)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()
