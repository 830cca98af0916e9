"""What the command line gets from the rest of the house."""

import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tocsin.cli.client import Check
from tocsin.kernel import settings as settings_module
from tocsin.kernel.errors import Refused
from tocsin.kernel.settings import Settings

if TYPE_CHECKING:
    import httpx

LOCAL_URL = "http://local.tocsin"
DISK_MIN_BYTES = 1024**3
ADVICE = "advice: "


class Runtime:
    """Imports the application only when a command needs it."""

    def __init__(self) -> None:
        self._settings: Settings | None = None

    def settings(self) -> Settings:
        """Read the settings, once. Raises Invalid."""
        if self._settings is None:
            self._settings = settings_module.load()
        return self._settings

    @asynccontextmanager
    async def local(self) -> "AsyncIterator[httpx.AsyncClient]":
        """Run the application in this process, as the person at this machine."""
        import httpx

        from tocsin.app.serving import database
        from tocsin.app.wiring import Application, local_actor

        async with database(self.settings()) as (conninfo, _):
            app = Application(self.settings(), conninfo, actor=local_actor())
            await app.open()
            transport = httpx.ASGITransport(cast("Any", app.site))
            try:
                async with httpx.AsyncClient(transport=transport, base_url=LOCAL_URL) as client:
                    yield client
            finally:
                await app.close()

    def serve(self, settings: Settings, *, workers: int) -> None:
        """Serve until SIGTERM."""
        from tocsin.app import serving

        if workers > 1:
            serving.run_workers(settings, workers)
        else:
            serving.run(settings)

    def demo(self, settings: Settings) -> None:
        """Show a small organisation in trouble."""
        from tocsin.app.demo import run

        run(settings)

    def migrate(self, *, check: bool, after: bool) -> Sequence[str]:
        """Apply migrations, or name what is pending."""
        with self._conninfo() as conninfo:
            return _migrate(conninfo, check=check, after=after)

    def doctor(self) -> Sequence[Check]:
        """Look at settings, disk, database, schema, readiness and the web's assets."""
        try:
            settings = self.settings()
        except Refused as error:
            return [Check(name="settings", ok=False, detail=error.detail)]
        found = [Check(name="settings", ok=True, detail=settings.base_url), _disk(settings)]
        try:
            with self._conninfo() as conninfo:
                return [*found, *self._look_at(settings, conninfo)]
        except Refused as error:
            return [*found, Check(name="database", ok=False, detail=error.detail)]

    def _look_at(self, settings: Settings, conninfo: str) -> list[Check]:
        import asyncio

        pending = _migrate(conninfo, check=True, after=False)
        detail = f"run `tocsin migrate`: {', '.join(pending)}" if pending else "current"
        found = [
            Check(name="database", ok=True, detail=_where(settings, conninfo)),
            Check(name="schema", ok=not pending, detail=detail),
        ]
        return found if pending else [*found, *asyncio.run(self._examine(conninfo))]

    async def _examine(self, conninfo: str) -> list[Check]:
        from tocsin.web.site import STATIC

        where, problems, warnings = await self._readiness(conninfo)
        built = (STATIC / "manifest.json").is_file()
        detail = (
            "built" if built else "not built: `make demo` builds them, and a wheel has them"
        )
        told = "set" if self.settings().last_resort else f"{ADVICE}TOCSIN_LAST_RESORT is empty"
        return [
            Check(name=where, ok=not problems, detail="; ".join(problems) or "ready"),
            *(Check(name="configuration", ok=True, detail=ADVICE + one) for one in warnings),
            Check(name="web assets", ok=built, detail=detail),
            Check(name="last resort", ok=True, detail=told),
        ]

    async def _readiness(self, conninfo: str) -> tuple[str, Sequence[str], Sequence[str]]:
        """Ask the running server; where none answers, look with this command's own settings."""
        import httpx

        from tocsin.app.wiring import Application

        try:
            async with httpx.AsyncClient(timeout=2) as client:
                answer = await client.get(f"{self.settings().base_url}/health/ready")
                found = answer.json()
                return "server", found["problems"], found["warnings"]
        except (httpx.HTTPError, ValueError, KeyError):
            pass
        app = Application(self.settings(), conninfo)
        await app.open()
        try:
            ready = await app.readiness.check()
        finally:
            await app.close()
        # no worker runs in this process, so what it says of workers means nothing
        problems = [one for one in ready.problems if "worker" not in one]
        return "server (not running)", problems, ready.warnings

    def reactions(self) -> str:
        """Return the story as a table."""
        from tocsin.app.wiring import reactions_table

        return reactions_table()

    @contextmanager
    def _conninfo(self) -> Iterator[str]:
        """Attach to the database, and let go of it: the last one stops the embedded server."""
        from tocsin.kernel import postgres

        settings = self.settings()
        if settings.database_url:
            yield settings.database_url
            return
        try:
            yield postgres.ensure(settings.data_dir)
        finally:
            postgres.leave(settings.data_dir)


def _migrate(conninfo: str, *, check: bool, after: bool) -> Sequence[str]:
    from tocsin.kernel import migrations
    from tocsin.kernel.migrations import Phase

    if check:
        found = migrations.status(conninfo)
        waiting = (*found.pending, *(found.pending_after if after else ()))
        return [one.file_name for one in waiting]
    phase = Phase.AFTER if after else Phase.BEFORE
    return [one.file_name for one in migrations.migrate(conninfo, phase=phase)]


def _where(settings: Settings, conninfo: str) -> str:
    import psycopg

    with psycopg.connect(conninfo) as connection:
        version = connection.info.server_version // 10000
    place = "TOCSIN_DATABASE_URL" if settings.database_url else f"embedded, {settings.data_dir}"
    return f"PostgreSQL {version} ({place})"


def _disk(settings: Settings) -> Check:
    place = settings.data_dir
    while not place.exists() and place != Path(place.anchor):
        place = place.parent
    free = shutil.disk_usage(place).free
    ok = free >= DISK_MIN_BYTES
    detail = f"{free // 1024**2} MiB free at {place}" + ("" if ok else "; 1 GiB is the least")
    return Check(name="disk", ok=ok, detail=detail)
