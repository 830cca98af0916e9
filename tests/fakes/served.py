"""The whole application behind a real socket, in a thread of its own, on one database."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import uvicorn

from fakes.world import ACME, World, running
from tocsin.app.loops import Loops

T = TypeVar("T")
WAIT_S = 30


class Served:
    """A Tocsin that answers HTTP; `do` reaches its inside."""

    def __init__(self, dsn: str, settings: dict[str, Any]) -> None:
        self.url = ""
        self.token = ""
        self.ready = threading.Event()
        self._dsn = dsn
        self._settings = settings
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._world: World | None = None

    def run(self) -> None:
        """Serve until `stop`."""
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self.ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        sock = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        async with running(self._dsn, url=self.url, **self._settings) as world:
            await world.apply(ACME)
            self._world, self.token = world, world.token
            site: Any = world.app.site
            server = uvicorn.Server(uvicorn.Config(site, lifespan="off", log_config=None))
            loops = asyncio.ensure_future(Loops(world.app).run())
            serving = asyncio.ensure_future(server.serve(sockets=[sock]))
            self.ready.set()
            await self._end.wait()
            world.app.hub.close()
            server.should_exit = True
            await serving
            loops.cancel()
            await asyncio.gather(loops, return_exceptions=True)

    def do(self, act: Callable[[World], Awaitable[T]]) -> T:
        """Do something on the server's own loop, and return what comes of it."""
        assert self._world is not None, "it did not start"
        world = self._world

        async def doing() -> T:
            return await act(world)

        return asyncio.run_coroutine_threadsafe(doing(), self._loop).result(WAIT_S)

    def stop(self) -> None:
        """End it."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end.set)


@contextmanager
def serving(dsn: str, **settings: Any) -> Iterator[Served]:
    """Serve the organisation of the tests until the block ends."""
    server = Served(dsn, settings)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert server.ready.wait(WAIT_S)
        server.do(_nothing)
        yield server
    finally:
        server.stop()
        thread.join(WAIT_S)


async def _nothing(_world: World) -> None:
    """Prove that it has started."""
