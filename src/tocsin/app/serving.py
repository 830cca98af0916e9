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
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from types import FrameType

import uvicorn
import uvloop
from typing_extensions import override

from tocsin.app.front import Front
from tocsin.app.http_limits import LimitedProtocol
from tocsin.app.loops import Loops
from tocsin.app.tls import certificate
from tocsin.app.waiting import Told, patiently, waiting
from tocsin.app.wiring import Application
from tocsin.governance import reads as access
from tocsin.kernel import logs
from tocsin.kernel.db_trouble import Trouble
from tocsin.kernel.logs import Log
from tocsin.kernel.migrations import migrate
from tocsin.kernel.postgres import Embedded
from tocsin.kernel.settings import Settings

STOP_S = 0.5  # requests in flight get this long at SIGTERM
CHILD_STOP_S = 3.0
CHILD_POLL_S = 0.2
CHILD_PAUSE_S = 0.3  # before a child that died is replaced
PR_SET_PDEATHSIG = 1
log = Log("serve")


@asynccontextmanager
async def database(
    settings: Settings, told: Told | None = None
) -> AsyncIterator[tuple[str, Embedded | None]]:
    """Give a migrated database: the configured one, or the embedded one, looked after.

    With `told`, which hears of each trouble, it is waited for as long as it takes.
    """
    embedded = None if settings.database_url else Embedded(settings.data_dir)
    try:
        yield await _migrated(settings, embedded, told), embedded
    finally:
        if embedded is not None:
            embedded.leave()


async def _migrated(
    settings: Settings, embedded: Embedded | None, told: Told | None = None
) -> str:
    """Start or join the embedded server where there is one, and bring the schema up to date."""

    async def migrated() -> str:
        conninfo = settings.database_url if embedded is None else await embedded.revive()
        await patiently(embedded, lambda: asyncio.to_thread(migrate, conninfo))
        return conninfo

    return await migrated() if told is None else await waiting(migrated, told)


class _Server(uvicorn.Server):
    """Ends event streams first: with one open, a graceful stop would wait for ever."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop = asyncio.get_running_loop()
        self.on_exit: list[Callable[[], None]] = []

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
        for hint in self.on_exit:
            self._loop.call_soon_threadsafe(hint)
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
    """Serve until SIGTERM or SIGINT; ends within a second, whatever is open or in flight.

    It answers from the first moment: until the database is there, with what is waited for.
    """
    sock = listener(settings.host, settings.port, shared=shared)
    secured = certificate(settings)
    front = Front()
    config = uvicorn.Config(
        front, loop="none", http=LimitedProtocol, ws="none", lifespan="off", log_config=None,
        access_log=False, proxy_headers=False, server_header=False, date_header=False, backlog=2048,
        timeout_keep_alive=75, timeout_graceful_shutdown=STOP_S,  # type: ignore[arg-type]
    )  # fmt: skip
    config.load()
    config.ssl = secured.context if secured else None
    server = _Server(config)
    try:
        async with asyncio.TaskGroup() as group:
            duties = [group.create_task(_work(settings, front, server, announce=announce))]
            if secured is not None:
                duties.append(group.create_task(secured.watch()))
            await server.serve(sockets=[sock])
            for duty in duties:
                duty.cancel()
    except BaseExceptionGroup as failed:  # a refusal of the start is told as what it is
        raise _first_of(failed) from None


def _first_of(failed: BaseException) -> BaseException:
    while isinstance(failed, BaseExceptionGroup):
        failed = failed.exceptions[0]
    return failed


async def _work(settings: Settings, front: Front, server: _Server, *, announce: bool) -> None:
    """Get the database and do all duties until cancelled."""

    def told(trouble: Trouble) -> None:
        front.trouble = trouble

    async with database(settings, told) as (conninfo, embedded):
        app = Application(settings, conninfo)
        server.on_exit.append(app.hub.close)
        if embedded is not None:
            app.database_watch.explain = lambda: embedded.why
        await waiting(lambda: patiently(embedded, app.open), told)
        loops = Loops(app)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(loops.run())
                if embedded is not None:
                    group.create_task(embedded.watch())
                if announce:
                    await patiently(embedded, lambda: _announce(app))
                front.app = app.site
                log.info("serve.started", url=settings.base_url, roles=settings.roles)
        finally:
            await loops.finish()
            await app.close()


def where(settings: Settings) -> str:
    """Say what is listened on, and what stands in links if that is another address."""
    bound = settings.bound_url
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
