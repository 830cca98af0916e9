"""`tocsin serve`: one process with everything, or N equal ones under a parent."""

import asyncio
import contextlib
import ctypes
import gc
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from types import FrameType
from typing import TypeVar

import uvicorn
import uvloop
from psycopg import OperationalError
from typing_extensions import override

from tocsin.app.loops import Loops
from tocsin.app.wiring import Application
from tocsin.governance import reads as access
from tocsin.kernel import logs
from tocsin.kernel.errors import Unavailable
from tocsin.kernel.logs import Log
from tocsin.kernel.migrations import migrate
from tocsin.kernel.postgres import Embedded
from tocsin.kernel.settings import Settings

T = TypeVar("T")
STARTS_MAX = 5  # how often the database may die while Tocsin starts
STOP_S = 0.5  # requests in flight get this long at SIGTERM
CHILD_STOP_S = 3.0
CHILD_POLL_S = 0.2
CHILD_PAUSE_S = 0.3  # before a child that died is replaced
PR_SET_PDEATHSIG = 1
log = Log("serve")


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[tuple[str, Embedded | None]]:
    """Give a migrated database: the configured one, or the embedded one, looked after."""
    embedded = None if settings.database_url else Embedded(settings.data_dir)
    try:
        yield await _migrated(settings, embedded), embedded
    finally:
        if embedded is not None:
            embedded.leave()


async def _migrated(settings: Settings, embedded: Embedded | None) -> str:
    """Start or join the embedded server where there is one, and bring the schema up to date."""
    conninfo = settings.database_url if embedded is None else await embedded.revive()
    await patiently(embedded, lambda: asyncio.to_thread(migrate, conninfo))
    return conninfo


async def patiently(embedded: Embedded | None, act: Callable[[], Awaitable[T]]) -> T:
    """Do `act`; where the embedded server dies under it, bring that back and do it again.

    For the start: later `Embedded.watch` brings the server back and units are run again.
    """
    for _ in range(STARTS_MAX):
        try:
            return await act()
        except (Unavailable, OperationalError) as error:
            if embedded is None:
                raise
            log.warning("serve.database_lost", why=str(error))
            await embedded.revive()
    return await act()


class _Server(uvicorn.Server):
    """Ends event streams first: with one open, a graceful stop would wait for ever."""

    def __init__(self, config: uvicorn.Config, app: Application) -> None:
        super().__init__(config)
        self._app = app
        self._loop = asyncio.get_running_loop()

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
        self._loop.call_soon_threadsafe(self._app.hub.close)
        super().handle_exit(sig, frame)


def listener(host: str, port: int, *, shared: bool) -> socket.socket:
    """Bind the port; `shared` lets several processes do so, and the kernel spreads connections."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind((host, port))
    return sock


async def serve(settings: Settings, *, shared: bool = False, announce: bool = True) -> None:
    """Serve until SIGTERM or SIGINT; ends within a second, whatever is open or in flight."""
    sock = listener(settings.host, settings.port, shared=shared)
    async with database(settings) as (conninfo, embedded):
        app = Application(settings, conninfo)
        await patiently(embedded, app.open)
        config = uvicorn.Config(
            app.site, loop="none", http="httptools", ws="none", lifespan="off", log_config=None,
            access_log=False, proxy_headers=False, server_header=False, date_header=False, backlog=2048,
            timeout_keep_alive=75, timeout_graceful_shutdown=STOP_S,  # type: ignore[arg-type]
        )  # fmt: skip
        server = _Server(config, app)
        try:
            async with asyncio.TaskGroup() as group:
                duties = [group.create_task(Loops(app).run())]
                if embedded is not None:
                    duties.append(group.create_task(embedded.watch()))
                if announce:
                    await patiently(embedded, lambda: _announce(app))
                log.info("serve.started", url=settings.base_url, roles=settings.roles)
                await server.serve(sockets=[sock])
                for duty in duties:
                    duty.cancel()
        finally:
            await app.close()


def where(settings: Settings) -> str:
    """Say what is listened on, and what stands in links if that is another address."""
    bound = f"http://{settings.host}:{settings.port}"
    return bound if settings.base_url == bound else f"{bound}; links say {settings.base_url}"


async def _announce(app: Application) -> None:
    print(f"Tocsin listens on {where(app.settings)}", flush=True)  # noqa: T201 - for the person who started it
    async with app.db.connection() as conn:
        first = await access.is_first_start(conn)
    if first:
        print(f"Sign in, once: {await app.sign_in_link()}", flush=True)  # noqa: T201


def run(settings: Settings) -> None:
    """Serve in this process."""
    logs.start(settings.log_level)
    shared = "--worker" in sys.argv
    with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
        uvloop.run(_from_start_to_end(settings, shared=shared))
    _hurry()


async def _from_start_to_end(settings: Settings, *, shared: bool) -> None:
    """Serve, and let go of the database also when SIGTERM comes before uvicorn listens to it."""
    this = asyncio.current_task()
    if this is None:
        raise AssertionError("there is no task to cancel")
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    await serve(settings, shared=shared, announce=not shared)


def run_workers(settings: Settings, count: int) -> None:
    """Run `count` equal processes on one port; one that dies is started again."""
    logs.start(settings.log_level)
    # held by the parent, so that the database does not stop between two of its children
    embedded = None if settings.database_url else Embedded(settings.data_dir)
    try:
        asyncio.run(_prepare(settings, embedded))
        _tend([_spawn() for _ in range(count)])
    finally:
        if embedded is not None:
            embedded.leave()
    _hurry()


def _hurry() -> None:
    """Spare the interpreter its last collection, which takes 0.2 s and which nothing needs."""
    gc.freeze()


class _Stop(Exception):
    """SIGTERM or SIGINT came."""


def _tend(children: list[subprocess.Popen[bytes]]) -> None:
    """Replace children that die until SIGTERM or SIGINT, then end them all."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        raise _Stop

    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        while True:
            time.sleep(CHILD_POLL_S)
            _replace_dead(children)
    except _Stop:
        _end(children)


def _end(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        child.terminate()
    for child in children:
        try:
            child.wait(CHILD_STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()


def _replace_dead(children: list[subprocess.Popen[bytes]]) -> None:
    for at, child in enumerate(children):
        if child.poll() is not None:
            log.error("worker.died", pid=child.pid, status=child.returncode)
            time.sleep(CHILD_PAUSE_S)
            children[at] = _spawn()


async def _prepare(settings: Settings, embedded: Embedded | None) -> None:
    """Migrate and announce once, before there are several."""
    app = Application(settings, await _migrated(settings, embedded))
    await patiently(embedded, app.open)
    await patiently(embedded, lambda: _announce(app))
    await app.close()


def _spawn() -> subprocess.Popen[bytes]:
    """Start a worker that does not outlive this process, however this one ends."""
    command = [sys.executable, "-m", "tocsin", *sys.argv[1:], "--worker"]
    if sys.platform != "linux":
        return subprocess.Popen(command)  # noqa: S603 - ourselves
    parent, libc = os.getpid(), ctypes.CDLL(None)

    def follow() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it ended before it could be followed
            os._exit(1)

    # before the interpreter starts: a parent that dies while it does would not be noticed
    return subprocess.Popen(command, preexec_fn=follow)  # noqa: S603, PLW1509 - this process has one thread
