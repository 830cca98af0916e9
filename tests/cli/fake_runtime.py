"""A runtime that keeps the protocol's promises without a database: it answers from a table."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
from click.testing import CliRunner, Result
from msgspec import Struct
from typing_extensions import override

from tocsin.cli.client import Check
from tocsin.cli.main import cli
from tocsin.kernel.errors import Refused
from tocsin.kernel.settings import Settings


class Asked(Struct, frozen=True):
    """One request that a command made."""

    method: str
    path: str
    params: dict[str, str]
    body: Any


class Answers(httpx.AsyncBaseTransport):
    """Tocsin's API as a table of `METHOD path` → answers, given in turn, the last one for ever."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.table: dict[str, list[object]] = {}

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as the table says; a refusal becomes its problem."""
        content = await request.aread()
        body = msgspec.json.decode(content) if content else None
        path = request.url.raw_path.decode().partition("?")[0].removeprefix("/api/v1")
        self.asked.append(Asked(request.method, path, dict(request.url.params), body))
        waiting = self.table.get(f"{request.method} {path}")
        if waiting is None:
            return httpx.Response(404, json={"code": "not-found", "detail": "not in the table"})
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(answer, Refused):
            problem: dict[str, Any] = {"code": answer.code, "detail": answer.detail}
            problem["field"] = getattr(answer, "field", None)
            return httpx.Response(answer.status, json=problem)
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(200, content=msgspec.json.encode(answer))


class FakeRuntime:
    """What `app.runtime.Runtime` is to the commands."""

    def __init__(self, **settings: Any) -> None:
        # a database keeps commands from whatever Tocsin this machine's user has logged in to
        self.given = Settings(**{"database_url": "fake", **settings})
        self.answers = Answers()
        self.served: list[tuple[Settings, int]] = []
        self.checks: tuple[Check, ...] = (
            Check(name="database", ok=True, detail="PostgreSQL 18"),
        )
        self.pending: tuple[str, ...] = ()
        self.serving_fails: BaseException | None = None

    def settings(self) -> Settings:
        """Return what it was made with."""
        return self.given

    @asynccontextmanager
    async def local(self) -> AsyncIterator[httpx.AsyncClient]:
        """Open a client on the table."""
        async with httpx.AsyncClient(
            transport=self.answers, base_url="http://local.tocsin"
        ) as client:
            yield client

    def serve(self, settings: Settings, *, workers: int) -> None:
        """Note that it was asked to serve."""
        if self.serving_fails is not None:
            raise self.serving_fails
        self.served.append((settings, workers))

    def demo(self, settings: Settings) -> None:
        """Note that it was asked for a demo, which is no worker at all."""
        self.served.append((settings, 0))

    def migrate(self, *, check: bool, after: bool) -> Sequence[str]:
        """Name what is pending; applying it leaves nothing."""
        found = self.pending if after else tuple(n for n in self.pending if "_after_" not in n)
        if not check:
            self.pending = tuple(name for name in self.pending if name not in found)
        return found

    def doctor(self) -> Sequence[Check]:
        """Return the checks."""
        return self.checks

    def reactions(self) -> str:
        """Return a story of one line."""
        return "triage.group_needs_page\n  MUST response.page_for_group"


def tocsin(runtime: FakeRuntime, *words: str, stdin: str | None = None) -> Result:
    """Run one command line."""
    return CliRunner().invoke(cli, words, obj=runtime, input=stdin, prog_name="tocsin")
