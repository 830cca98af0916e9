"""`tocsin serve`: one process with everything, or N equal ones under a parent."""

import asyncio
import contextlib
import ctypes
import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import FrameType

import uvloop

from tocsin.app.front import Front
from tocsin.app.http_server import Server, listener, server_of
from tocsin.app.loops import Loops
from tocsin.app.tls import certificate
from tocsin.app.waiting import Told, patiently, waiting
from tocsin.app.wiring import Application
from tocsin.governance import reads as access
from tocsin.kernel import logs
from tocsin.kernel.logs import Log
from tocsin.kernel.migrations import migrate
from tocsin.kernel.postgres import Embedded
from tocsin.kernel.settings import Settings

CHILD_STOP_S = 3.0
CHILD_POLL_S = 0.2
CHILD_PAUSE_S = 0.3  # before a child that died is replaced
PR_SET_PDEATHSIG = 1
YOUNG_MAX = 10_000  # objects that may come to be between two looks for garbage
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


async def serve(settings: Settings, *, shared: bool = False, announce: bool = True) -> None:
    """Serve until SIGTERM or SIGINT; ends within a second, whatever is open or in flight.

    It answers from the first moment: until the database is there, with what is waited for.
    """
    sock = listener(settings.host, settings.port, shared=shared)
    secured = certificate(settings)
    front = Front()
    server = server_of(front, secured)
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


async def _work(settings: Settings, front: Front, server: Server, *, announce: bool) -> None:
    """Get the database and do all duties until cancelled."""
    async with database(settings, front.hear) as (conninfo, embedded):
        app = Application(settings, conninfo)
        server.on_exit.append(app.hub.close)
        if embedded is not None:
            app.database_watch.explain = lambda: embedded.why
        await waiting(lambda: patiently(embedded, app.open), front.hear)
        site = app.site  # takes a while, in which a pulse would miss its beats
        loops = Loops(app)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(loops.run())
                if embedded is not None:
                    group.create_task(embedded.watch())
                if announce:
                    await patiently(embedded, lambda: _announce(app))
                _settle()
                front.app = site
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
        if asyncio.run(_prepare(settings, embedded)):
            _tend([_spawn() for _ in range(count)])
    finally:
        if embedded is not None:
            embedded.leave()
    _hurry()


def _settle() -> None:
    """Keep what was loaded out of later collections: each of them stopped everything for 0.1 s.

    Those that are left come seldom: by Python's own threshold requests in flight were looked
    through again and again, which was a twentieth of what a request costs.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX)


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


async def _prepare(settings: Settings, embedded: Embedded | None) -> bool:
    """Migrate and announce once, before there are several, and say meanwhile what is waited for.

    False: a signal came first, and there is to be nobody.
    """
    sock = listener(settings.host, settings.port, shared=True)
    front = Front()
    server = server_of(front, certificate(settings))
    try:
        async with asyncio.TaskGroup() as group:
            getting_ready = group.create_task(_get_ready(settings, embedded, front, server))
            await server.serve(sockets=[sock])
            getting_ready.cancel()
    except BaseExceptionGroup as failed:
        raise _first_of(failed) from None
    finally:
        sock.close()  # the port is its children's
    return not getting_ready.cancelled()


async def _get_ready(
    settings: Settings, embedded: Embedded | None, front: Front, server: Server
) -> None:
    app = Application(settings, await _migrated(settings, embedded, front.hear))
    await waiting(lambda: patiently(embedded, app.open), front.hear)
    try:
        await patiently(embedded, lambda: _announce(app))
    finally:
        await app.close()
    server.end()


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
