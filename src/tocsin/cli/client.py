"""How a command reaches Tocsin: over HTTP with a token, else through the application in-process."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import IO, TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec
from msgspec import Struct

from tocsin.cli.config import Saved
from tocsin.kernel import errors
from tocsin.kernel.errors import Refused, TooMany, Unavailable
from tocsin.kernel.ids import uuid7
from tocsin.kernel.settings import Settings

if TYPE_CHECKING:
    import httpx  # 80 ms of imports that `tocsin --help` does without

    from tocsin.kernel.backup import BackedUp
    from tocsin.kernel.restore import Restored

T = TypeVar("T")
API = "/api/v1"
TIMEOUT_S = 30.0
STREAM_SILENCE_S = 40.0  # the server gives a sign of life every 15 s
NO_SCREENS = 501  # a Tocsin whose web UI was not built
PAGE_MAX = 200  # what the API gives at most in one answer


class Check(Struct, frozen=True, kw_only=True):
    """One line of `tocsin doctor`; `detail` of a failed one names the cure."""

    name: str
    ok: bool
    detail: str = ""


class Runtime(Protocol):
    """What `app` brings to the command line: everything that needs the rest of the house."""

    def settings(self) -> Settings:
        """Read the settings. Raises Invalid."""
        ...

    def local(self) -> "AbstractAsyncContextManager[httpx.AsyncClient]":
        """Open an application in this process, on the database that the settings name.

        Requests through the client act as `local:<os-user>` with the role admin. Its
        `base_url` is set, so that paths alone are enough.
        """
        ...

    def serve(self, settings: Settings, *, workers: int) -> None:
        """Serve until SIGTERM; `workers` above 1 are processes of their own."""
        ...

    def demo(self, settings: Settings) -> None:
        """Show incidents of a small organisation until interrupted."""
        ...

    def migrate(self, *, check: bool, after: bool) -> Sequence[str]:
        """Apply migrations and return their file names; with `check` only name what is pending.

        `after` includes those that wait until no older Tocsin runs any more.
        """
        ...

    def back_up(self, out: IO[bytes]) -> "BackedUp":
        """Write the whole database to `out`. Raises Conflict where there is none."""
        ...

    def note_backup(self, found: "BackedUp", size: int) -> str:
        """Put a backup of `size` bytes into the log; return why that could not be, or ""."""
        ...

    def restore(self, source: IO[bytes], *, verify: bool) -> "Restored":
        """Read a backup into the empty database, or with `verify` into one that is dropped."""
        ...

    def doctor(self) -> Sequence[Check]:
        """Look at everything that Tocsin needs; a check that fails does not end the others."""
        ...

    def support(self) -> Mapping[str, bytes]:
        """Gather the files of a support bundle: name and content."""
        ...

    def reactions(self) -> str:
        """Return the table "when this happens, that follows"."""
        ...


class Client:
    """The JSON API; refusals come back as the exceptions they were.

    Local: an application in this process answers, which has no live stream.
    """

    def __init__(self, http: "httpx.AsyncClient", *, is_local: bool = False) -> None:
        self._http = http
        self.is_local = is_local

    async def get(self, path: str, **params: str | int | Sequence[str] | None) -> Any:
        """Return what a GET of a path below /api/v1 answers."""
        sent = {name: value for name, value in params.items() if value is not None}
        return msgspec.json.decode(await self.raw("GET", API + path, params=sent))

    async def post(self, path: str, body: object = None) -> Any:
        """Return what a POST answers."""
        return await self.send("POST", path, body)

    async def send(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """Return what a write of a path below /api/v1 answers; None where it answers nothing.

        `headers` with underscores for dashes: `if_match='"7"'`.
        """
        content = None if body is None else msgspec.json.encode(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self.raw(method, API + path, content=content, headers=named)
        return msgspec.json.decode(answer) if answer else None

    async def items(self, path: str, limit: int, **params: str) -> list[Any]:
        """Follow a list's cursor until `limit` items are there, or no more."""
        found: list[Any] = []
        cursor: str | None = None
        while True:
            size = min(limit - len(found), PAGE_MAX)
            page = await self.get(path, limit=size, cursor=cursor, **params)
            found += page["items"]
            cursor = page["next"]
            if cursor is None or len(found) >= limit:
                return found

    async def raw(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        params: Mapping[str, str | int | Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """Return the body of an answer. Raises Refused, or Unavailable when nothing answers."""
        import httpx

        sent = {"x-tocsin-channel": "cli", **(headers or {})}
        if content is not None:
            sent.setdefault("content-type", "application/json")
        if method != "GET" and not self.is_local:
            sent.setdefault("idempotency-key", str(uuid7()))
        try:
            request = self._http.build_request(
                method, path, content=content, params=params, headers=sent
            )
            answer = await self._send(request)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise self._silent(error) from error
        if answer.is_success:
            return answer.content
        raise refusal(answer.status_code, answer.content)

    async def _send(self, request: "httpx.Request") -> "httpx.Response":
        """Send a request, and once more when its answer was lost: the key keeps it one request."""
        import httpx

        try:
            return await self._http.send(request)
        except (httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError):
            if "idempotency-key" not in request.headers and request.method != "GET":
                raise
            return await self._http.send(request)

    async def events(self, after_seq: int | None) -> "AsyncIterator[tuple[int | None, str]]":
        """Yield (seq, topics) of what moves from now on; topics "" is a sign of life.

        Ends when the stream does. Raises Refused, or Unavailable when nothing answers.
        """
        import httpx

        params = {} if after_seq is None else {"after": after_seq}
        patience = httpx.Timeout(TIMEOUT_S, read=STREAM_SILENCE_S)
        try:
            async with self._http.stream(
                "GET", "/live", params=params, timeout=patience
            ) as answer:
                if answer.status_code == NO_SCREENS:
                    raise Unavailable(f"{self._http.base_url} has no live stream")
                if not answer.is_success:
                    raise refusal(answer.status_code, await answer.aread())
                async for event in _server_sent(answer.aiter_lines()):
                    yield event
        except httpx.TransportError as error:
            raise self._silent(error) from error

    def _silent(self, error: Exception) -> Unavailable:
        return Unavailable(
            f"{self._http.base_url} does not answer ({type(error).__name__});"
            " is `tocsin serve` running there, and is TOCSIN_URL right?"
        )


async def _server_sent(lines: "AsyncIterator[str]") -> "AsyncIterator[tuple[int | None, str]]":
    """Read server-sent events: (id, data) of each."""
    seq: int | None = None
    data = ""
    async for line in lines:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "id" and value.lstrip("-").isdigit():
            seq = int(value)
        elif name == "data":
            data = value
        elif not line:
            yield seq, data
            data = ""


def refusal(status: int, body: bytes) -> Refused:
    """Turn a problem (RFC 9457) back into what was raised."""
    try:
        problem = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, msgspec.ValidationError):
        problem = {}
    detail = str(
        problem.get("detail") or problem.get("title") or f"the answer is HTTP {status}"
    )
    by_code = {kind.code: kind for kind in errors.ALL}
    by_status = {kind.status: kind for kind in errors.ALL}
    kind = by_code.get(str(problem.get("code"))) or by_status.get(status, Refused)
    if issubclass(kind, TooMany | Unavailable):
        return kind(detail)
    return kind(detail, field=problem.get("field"))


def remote(settings: Settings, saved: Saved) -> Saved:
    """Say which Tocsin commands talk to, and with which token; no token: the local database.

    The environment wins over what `tocsin login` has kept; who names a database, means it.
    """
    if settings.token:
        return Saved(
            settings.base_url if settings.url or not saved.url else saved.url, settings.token
        )
    if settings.database_url or not saved.token or settings.url not in ("", saved.url):
        return Saved()
    return saved


@asynccontextmanager
async def opened(runtime: Runtime) -> AsyncIterator[Client]:
    """Open a client: remote with a token from the environment or a login, else local."""
    from tocsin.cli import config

    there = remote(runtime.settings(), config.read())
    if not there.token:
        async with runtime.local() as http:
            yield Client(http, is_local=True)
        return
    import httpx

    headers = {"authorization": f"Bearer {there.token}"}
    async with httpx.AsyncClient(
        base_url=there.url, headers=headers, timeout=TIMEOUT_S
    ) as http:
        yield Client(http)


def ask(runtime: Runtime, question: Callable[[Client], Awaitable[T]]) -> T:
    """Run one conversation with Tocsin and return what it was about."""

    async def conversation() -> T:
        async with opened(runtime) as client:
            return await question(client)

    import asyncio

    return asyncio.run(conversation())
