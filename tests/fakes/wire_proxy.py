"""A TCP proxy before PostgreSQL that loses connections at the worst instant, or is slow."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from psycopg.conninfo import conninfo_to_dict, make_conninfo

COMMIT = b"COMMIT\x00"  # psycopg sends it as a statement of its own
COPY_DONE = b"c\x00\x00\x00\x04"  # ends a COPY, which is a transaction where none is open


class Proxy:
    """Passes bytes on; what it does with the next COMMIT, and how slowly, is set meanwhile."""

    def __init__(self, conninfo: str) -> None:
        given = conninfo_to_dict(conninfo)
        self._path = f"{given['host']}/.s.PGSQL.{given.get('port', 5432)}"
        self._conninfo = conninfo
        self.port = 0
        self.cuts_before = 0  # so many COMMITs never reach the server
        self.cuts_after = 0  # so many reach it, and their answer is lost
        self.cuts_copies = False  # count the end of a COPY as a COMMIT too
        self.silent_after = False  # with the cut, nobody can connect again
        self.delay_s = 0.0
        self.commits_cut = 0
        self.is_down = False

    @property
    def conninfo(self) -> str:
        """How a client reaches PostgreSQL through it."""
        return make_conninfo(self._conninfo, host="127.0.0.1", port=self.port)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect one client through."""
        if self.is_down:
            writer.transport.abort()
            return
        down, up = await asyncio.open_unix_connection(self._path)
        try:
            async with asyncio.TaskGroup() as group:
                sending = group.create_task(self._send(reader, up, writer))
                answering = group.create_task(self._answer(down, writer))
                await asyncio.wait((sending, answering), return_when=asyncio.FIRST_COMPLETED)
                sending.cancel()
                answering.cancel()
        finally:
            up.close()
            writer.transport.abort()

    async def _send(
        self, reader: asyncio.StreamReader, up: asyncio.StreamWriter, back: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while found := await reader.read(65536):
                is_last = COMMIT in found or (self.cuts_copies and COPY_DONE in found)
                if is_last and self.cuts_before:
                    self.cuts_before -= 1
                    self._cut(back)
                    return
                up.write(found)
                if is_last and self.cuts_after:
                    self.cuts_after -= 1
                    await up.drain()
                    self._cut(back)
                    return

    def _cut(self, back: asyncio.StreamWriter) -> None:
        self.commits_cut += 1
        self.is_down = self.silent_after
        back.transport.abort()

    async def _answer(self, down: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while found := await down.read(65536):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                writer.write(found)


@asynccontextmanager
async def proxy(conninfo: str) -> AsyncIterator[Proxy]:
    """Run a proxy before the server behind `conninfo` until the end of the block."""
    made = Proxy(conninfo)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            await made.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
