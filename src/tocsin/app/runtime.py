"""What the command line gets from the rest of the house."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from tocsin.cli.client import Check
from tocsin.kernel import settings as settings_module
from tocsin.kernel.errors import NotFound, Refused
from tocsin.kernel.settings import Settings

if TYPE_CHECKING:
    import httpx

    from tocsin.kernel.backup import BackedUp
    from tocsin.kernel.restore import Restored
    from tocsin.kernel.unit import Unit

LOCAL_URL = "http://local.tocsin"
DISK_MIN_BYTES = 1024**3
ADVICE = "advice: "
BACKUP_OLD_DAYS = 2


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
        with self._conninfo(making=not check) as conninfo:
            return _migrate(conninfo, check=check, after=after)

    def back_up(self, out: IO[bytes]) -> "BackedUp":
        """Write the whole database to `out`."""
        from tocsin.kernel.backup import back_up

        with self._conninfo(making=False) as conninfo:
            return back_up(conninfo, out)

    def note_backup(self, found: "BackedUp", size: int) -> str:
        """Put a backup into the log; a database that cannot be written to has one all the same."""
        import asyncio

        import psycopg

        from tocsin.governance.actions import note_backup
        from tocsin.governance.model import Backup

        made = Backup(taken_at=found.head.taken_at, row_count=found.row_count, bytes=size)
        try:
            with self._conninfo() as conninfo:
                asyncio.run(self._once(conninfo, lambda unit: note_backup(unit, made)))
        except Refused as error:
            return error.detail
        except psycopg.Error as error:  # an older schema: it is backed up, and then migrated
            return str(error).splitlines()[0]
        return ""

    def restore(self, source: IO[bytes], *, verify: bool) -> "Restored":
        """Read a backup into the empty database, paging held, or into one that is dropped."""
        import asyncio

        from tocsin.kernel import restore
        from tocsin.kernel.postgres_cluster import Cluster
        from tocsin.oncall.actions import PAGING_JOBS, note_restored

        with self._conninfo() as conninfo:
            if not verify:
                found = restore.restore(conninfo, source, hold=PAGING_JOBS)
                asyncio.run(self._once(conninfo, note_restored))
                return found
            admin, owner = conninfo, None
            if not self.settings().database_url:
                cluster = Cluster(self.settings().data_dir.expanduser().resolve())
                admin, owner = cluster.conninfo(user="postgres", database="postgres"), "tocsin"
            with restore.scratch(admin, owner=owner) as empty:
                return restore.restore(empty, source, hold=PAGING_JOBS)

    async def _once(self, conninfo: str, act: "Callable[[Unit], Awaitable[None]]") -> None:
        """Do one thing as the person at this machine."""
        from tocsin.app.wiring import Application, local_actor

        app = Application(self.settings(), conninfo)
        await app.open()
        try:
            await app.units.run(local_actor(), act)
        finally:
            await app.close()

    def doctor(self) -> Sequence[Check]:
        """Look at settings, disk, database, schema, readiness and the web's assets."""
        try:
            settings = self.settings()
        except Refused as error:
            return [Check(name="settings", ok=False, detail=error.detail)]
        found = [Check(name="settings", ok=True, detail=settings.base_url), _disk(settings)]
        try:
            with self._conninfo(making=False) as conninfo:
                return [*found, *self._look_at(settings, conninfo)]
        except NotFound as error:  # a fresh installation, or another user's settings
            return [*found, Check(name="database", ok=True, detail=ADVICE + error.detail)]
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
        from tocsin.oncall.core.local_time import tzdata_version
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
            Check(name="time zones", ok=True, detail=f"tzdata {tzdata_version()}"),
            Check(name="web assets", ok=built, detail=detail),
            Check(name="last resort", ok=True, detail=told),
            Check(name="backup", ok=True, detail=await _backup(conninfo)),
            Check(name="calendars", ok=True, detail=await _calendars(conninfo)),
        ]

    async def _readiness(self, conninfo: str) -> tuple[str, Sequence[str], Sequence[str]]:
        """Ask the running server; where none listens, look with this command's own settings."""
        from tocsin.app.asking import ask
        from tocsin.app.wiring import Application

        said = await ask(self.settings())
        if said is not None:
            return "server", said.problems, said.warnings
        app = Application(self.settings(), conninfo)
        await app.open()
        try:
            ready = await app.readiness.check()
        finally:
            await app.close()
        # no worker runs in this process, so what it says of workers means nothing
        problems = [one for one in ready.problems if "worker" not in one]
        return "server (not running)", problems, ready.warnings

    def support(self) -> Mapping[str, bytes]:
        """Gather the files of a support bundle."""
        from tocsin.app import support

        settings, checks = self.settings(), self.doctor()

        def look() -> Mapping[str, object]:
            with self._conninfo(making=False) as conninfo:
                return support.look_into(conninfo)

        return support.bundle(settings, checks, self._metrics(), look)

    def _metrics(self) -> str:
        """Ask the running server; off loopback, and without one, there are none."""
        import httpx

        headers = {"authorization": f"Bearer {self.settings().token}"}
        try:
            answer = httpx.get(
                f"{self.settings().base_url}/metrics",
                headers=headers if self.settings().token else {},
                timeout=5,
            )
        except httpx.HTTPError as error:
            return f"the server did not answer: {type(error).__name__}\n"
        return answer.text if answer.is_success else f"/metrics: {answer.status_code}\n"

    def reactions(self) -> str:
        """Return the story as a table."""
        from tocsin.app.wiring import reactions_table

        return reactions_table()

    @contextmanager
    def _conninfo(self, *, making: bool = True) -> Iterator[str]:
        """Attach to the database, and let go of it: the last one stops the embedded server.

        Where there is none yet it is made, or, unless `making`, NotFound is raised.
        """
        from tocsin.kernel import postgres
        from tocsin.kernel.postgres_cluster import has_cluster

        settings = self.settings()
        if settings.database_url:
            yield settings.database_url
            return
        place = settings.data_dir.expanduser()
        if not making and not has_cluster(place):
            raise NotFound(
                f"there is no database of Tocsin in {place}: `tocsin serve` makes one. Where a"
                " service has its own: `sudo -u tocsin TOCSIN_DATA_DIR=/var/lib/tocsin tocsin …`"
            )
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


async def _backup(conninfo: str) -> str:
    """Say how old the last backup is; one of another tool's is not known of."""
    from psycopg import AsyncConnection

    from tocsin.governance.reads import last_backup

    async with await AsyncConnection.connect(conninfo) as conn:
        found = await last_backup(conn)
        cursor = await conn.execute("SELECT now()")
        now = (await cursor.fetchone() or (None,))[0]
    if found is None or now is None:
        return f"{ADVICE}none was made by `tocsin backup`"
    days = (now - found.taken_at).days
    told = f"the last one is of {found.taken_at:%Y-%m-%d %H:%M} UTC"
    return told if days < BACKUP_OLD_DAYS else f"{ADVICE}{told}, {days} days ago"


async def _calendars(conninfo: str) -> str:
    """Say which calendars that layers follow were not read for a day."""
    from psycopg import AsyncConnection

    from tocsin.oncall.reads import old_calendars

    async with await AsyncConnection.connect(conninfo) as conn:
        cursor = await conn.execute("SELECT now()")
        now = (await cursor.fetchone() or (None,))[0]
        count, old = await old_calendars(conn, now) if now else (0, [])
    if old:
        told = "; ".join(f"layer {one.layer}: {one.error or 'overdue'}" for one in old[:5])
        return f"{ADVICE}{len(old)} not read for a day; {told}"
    return f"{count} followed" if count else "none followed"


def _disk(settings: Settings) -> Check:
    place = settings.data_dir
    while not place.exists() and place != Path(place.anchor):
        place = place.parent
    free = shutil.disk_usage(place).free
    ok = free >= DISK_MIN_BYTES
    detail = f"{free // 1024**2} MiB free at {place}" + ("" if ok else "; 1 GiB is the least")
    return Check(name="disk", ok=ok, detail=detail)
