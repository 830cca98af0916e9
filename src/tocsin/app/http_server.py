"""uvicorn as Tocsin runs it: bounded, silent, and ended within a second."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn
from typing_extensions import override

from tocsin.app.http_limits import LimitedProtocol
from tocsin.app.tls import Certificate
from tocsin.web.inbound_body import App

STOP_S = 0.5  # requests in flight get this long at SIGTERM


class Server(uvicorn.Server):
    """Ends event streams first: with one open, a graceful stop would wait for ever."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop = asyncio.get_running_loop()
        self.on_exit: list[Callable[[], None]] = []
        self._ended = asyncio.Event()

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Listen until the process ends.

        uvicorn raises a signal again once it has stopped serving: that would end the process
        before errands in flight are given back and the database is let go.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self.handle_exit, number, None)
        yield

    @override
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        for hint in (*self.on_exit, self._ended.set):
            self._loop.call_soon_threadsafe(hint)
        super().handle_exit(sig, frame)

    @override
    async def main_loop(self) -> None:
        """Wait for the end; uvicorn looks for it ten times a second."""
        await self._ended.wait()

    def end(self) -> None:
        """Stop serving, from within the loop."""
        self.should_exit = True
        self._ended.set()


def listener(host: str, port: int, *, shared: bool) -> socket.socket:
    """Bind the port; `shared` lets several processes do so, and the kernel spreads connections."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind((host, port))
    return sock


def server_of(app: App, secured: Certificate | None) -> Server:
    """Return a server for `app`, which listens to nothing yet."""
    config = uvicorn.Config(
        app, interface="asgi3", loop="none", http=LimitedProtocol, ws="none", lifespan="off",
        log_config=None, access_log=False, proxy_headers=False, server_header=False,
        date_header=False, backlog=2048,
        timeout_graceful_shutdown=STOP_S,  # type: ignore[arg-type]
    )  # fmt: skip
    config.load()
    config.ssl = secured.context if secured else None
    return Server(config)
