"""How a command reaches Tocsin: over HTTP with a token, else through the application in-process."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec
from msgspec import Struct

from tocsin.kernel import errors
from tocsin.kernel.errors import Refused, TooMany, Unavailable
from tocsin.kernel.settings import Settings

if TYPE_CHECKING:
    import httpx  # 80 ms of imports that `tocsin --help` does without

T = TypeVar("T")
API = "/api/v1"
TIMEOUT_S = 30.0
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

    def doctor(self) -> Sequence[Check]:
        """Look at everything that Tocsin needs; a check that fails does not end the others."""
        ...

    def reactions(self) -> str:
        """Return the table "when this happens, that follows"."""
        ...


class Client:
    """The JSON API; refusals come back as the exceptions they were."""

    def __init__(self, http: "httpx.AsyncClient") -> None:
        self._http = http

    async def get(self, path: str, **params: str | int | None) -> Any:
        """Return what a GET of a path below /api/v1 answers."""
        sent = {name: value for name, value in params.items() if value is not None}
        return msgspec.json.decode(await self.raw("GET", API + path, params=sent))

    async def post(self, path: str, body: object = None) -> Any:
        """Return what a POST answers."""
        content = None if body is None else msgspec.json.encode(body)
        return msgspec.json.decode(await self.raw("POST", API + path, content=content))

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
        params: dict[str, str | int] | None = None,
    ) -> bytes:
        """Return the body of an answer. Raises Refused, or Unavailable when nothing answers."""
        import httpx

        headers = {"x-tocsin-channel": "cli"}
        if content is not None:
            headers["content-type"] = "application/json"
        try:
            answer = await self._http.request(
                method, path, content=content, params=params, headers=headers
            )
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise Unavailable(
                f"{self._http.base_url} does not answer ({type(error).__name__});"
                " is `tocsin serve` running there, and is TOCSIN_URL right?"
            ) from error
        if answer.is_success:
            return answer.content
        raise refusal(answer.status_code, answer.content)


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


@asynccontextmanager
async def opened(runtime: Runtime) -> AsyncIterator[Client]:
    """Open a client: remote when TOCSIN_TOKEN is set, else local."""
    settings = runtime.settings()
    if not settings.token:
        async with runtime.local() as http:
            yield Client(http)
        return
    import httpx

    headers = {"authorization": f"Bearer {settings.token}"}
    async with httpx.AsyncClient(
        base_url=settings.base_url, headers=headers, timeout=TIMEOUT_S
    ) as http:
        yield Client(http)


def ask(runtime: Runtime, question: Callable[[Client], Awaitable[T]]) -> T:
    """Run one conversation with Tocsin and return what it was about."""

    async def conversation() -> T:
        async with opened(runtime) as client:
            return await question(client)

    import asyncio

    return asyncio.run(conversation())
