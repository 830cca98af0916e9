"""Doctor says why it cannot ask the server, and takes none for stopped that it cannot reach."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from test_tls import make

from tocsin.app.asking import ask
from tocsin.kernel.settings import Settings

READY = b'{"problems": [], "warnings": ["old"]}'


@asynccontextmanager
async def answering(body: bytes, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Answer every request with a body; give the port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1]


async def test_where_nothing_listens_no_server_runs() -> None:
    async with answering(READY) as port:
        pass
    assert await ask(Settings(port=port)) is None


async def test_a_server_is_asked_by_its_url_or_where_it_listens() -> None:
    async with answering(READY) as port:
        said = await ask(Settings(port=port))
        assert said is not None
        assert (said.problems, said.warnings) == ([], ["old"])
        astray = await ask(Settings(port=port, url="http://someone:secret@tocsin.invalid"))
        assert astray is not None
        assert astray.problems == []
        assert "TOCSIN_URL is not reached from this host: ConnectError" in astray.warnings[-1]
        assert "secret" not in astray.warnings[-1]


async def test_a_certificate_that_is_not_known_here_is_said_and_is_a_problem(
    tmp_path: Path,
) -> None:
    cert, key = make(tmp_path, "own")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    async with answering(READY, context) as port:
        said = await ask(Settings(port=port, url=f"https://localhost:{port}"))
    assert said is not None
    [problem] = said.problems
    assert "CERTIFICATE_VERIFY_FAILED" in problem
    assert "SSL_CERT_FILE" in problem


async def test_what_answers_otherwise_is_a_problem() -> None:
    async with answering(b"<html>a proxy</html>") as port:
        said = await ask(Settings(port=port))
    assert said is not None
    assert "what answers there is not Tocsin" in said.problems[0]
