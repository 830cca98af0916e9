"""`tocsin demo`: a small organisation in trouble. Server, database, intake and mail are the real ones.

Only the services, their Prometheus and the people are simulated; they reach Tocsin over HTTP and
SMTP on the loopback address, as anybody would. Nothing leaves the machine.
"""

import asyncio
import contextlib
import errno
import signal
from pathlib import Path

import httpx
import uvloop
from msgspec.structs import replace

import tocsin
from tocsin.app import serving
from tocsin.app.demo.mailbox import Mailbox
from tocsin.app.demo.monitoring import Monitoring
from tocsin.app.demo.people import People
from tocsin.app.demo.shop import Shop
from tocsin.app.demo.terminal import Terminal, narrate, welcome
from tocsin.app.http_server import listener
from tocsin.app.wiring import Application, local_actor
from tocsin.cli import documents
from tocsin.command import reads as incidents
from tocsin.governance import actions as governance
from tocsin.kernel import logs, postgres
from tocsin.kernel.access import Role
from tocsin.kernel.errors import Unauthenticated, Unavailable
from tocsin.kernel.settings import Settings
from tocsin.kernel.unit import Unit

LOOPBACK = "127.0.0.1"
PLACE = ".demo"
TOKEN_FILE = "demo-token"  # noqa: S105 - a file's name
READY_POLL_S = 0.05


class ServerEnded(Exception):
    """A signal has ended the server, and so everything else ends."""


def run(settings: Settings) -> None:
    """Show the demo until Ctrl-C or SIGTERM. Raises Unavailable when the port is taken."""
    logs.start("warning" if settings.log_level == "info" else settings.log_level)
    try:
        with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
            uvloop.run(_demo(settings))
    finally:
        # a start that was broken off has not let go of the server it had begun to start
        postgres.leave(prepared(settings, 0).data_dir)


def prepared(given: Settings, smtp_port: int) -> Settings:
    """Return the settings of the demo: its own place and mail, no other database, no way out."""
    untouched = given.data_dir == Settings().data_dir
    return replace(
        given,
        data_dir=Path.cwd() / PLACE if untouched else given.data_dir / "demo",
        database_url="",
        roles=Settings().roles,
        smtp_url=f"smtp://{LOOPBACK}:{smtp_port}?starttls=never",
        mail_from="tocsin@acme.example",
        last_resort=("mailto:everybody@acme.example",),
        allow_networks=(),
    )


def example() -> Path:
    """Return the folder of ACME's resources: in the wheel, else at the top of the checkout."""
    package = Path(tocsin.__file__).parent
    packed = package / "examples" / "acme"
    return packed if packed.is_dir() else package.parents[1] / "examples" / "acme"


async def _demo(given: Settings) -> None:
    _end_on_signals()
    _claim(given)
    mailbox, shop = Mailbox(), Shop()
    async with (
        await asyncio.start_server(mailbox.talk, LOOPBACK, 0) as smtp,
        await _metrics_server(shop, given.port + 1) as metrics,
    ):
        settings = prepared(given, _port(smtp))
        async with serving.database(settings) as (conninfo, embedded):
            if embedded is None:
                raise AssertionError("the demo has its own database")
            app = Application(settings, conninfo, actor=local_actor())
            await app.open()
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(embedded.watch())
                    shown = f"http://{LOOPBACK}:{_port(metrics)}/metrics"
                    await _show(app, group, mailbox, shop, shown)
            except* ServerEnded:
                pass
            finally:
                await app.close()


async def _show(
    app: Application, group: asyncio.TaskGroup, mailbox: Mailbox, shop: Shop, metrics_url: str
) -> None:
    """Start the server, wait until it takes alerts, then let the trouble begin."""
    settings, terminal = app.settings, Terminal(app.clock)
    token = await _furnish(app)
    shop.first_site = await app.units.run(local_actor(), _newest_incident)
    # the database is this function's caller's to look after; the server is given its address
    served = replace(settings, database_url=app.db.conninfo)
    group.create_task(_serve(served))
    group.create_task(app.hub.run())
    client = httpx.AsyncClient(base_url=_inner_url(settings), trust_env=False, timeout=10)
    await _ready(client)
    terminal.say(
        welcome(
            url=settings.base_url, sign_in=await app.sign_in_link(), metrics_url=metrics_url,
            token=token, place=str(settings.data_dir),
        )
    )  # fmt: skip
    group.create_task(narrate(app, terminal))
    group.create_task(People(mailbox, client, terminal).run())
    group.create_task(shop.run())
    monitoring = Monitoring(client, app.clock, metrics_url=metrics_url, token=token)
    group.create_task(monitoring.run())


async def _serve(settings: Settings) -> None:
    await serving.serve(settings, announce=False)
    raise ServerEnded


async def _furnish(app: Application) -> str:
    """Apply the example, and return a token for senders: the one of the last start, if it works."""
    found = [placed.document for placed in documents.read([example()])]
    await app.units.run(local_actor(), lambda unit: app.store.apply(unit, found))
    async with app.db.connection() as conn:
        await app.store.refresh(conn)
    kept = app.settings.data_dir / TOKEN_FILE
    if kept.exists():
        secret = kept.read_text(encoding="utf-8").strip()
        with contextlib.suppress(Unauthenticated):
            await app.services.identity.by_token(secret)
            return secret
    name = f"demo-{app.clock.now():%Y%m%d-%H%M%S}"
    secret = await app.units.run(
        local_actor(), lambda unit: governance.create_token(unit, name, Role.INTEGRATION, None)
    )
    kept.touch(mode=0o600)
    kept.write_text(secret + "\n", encoding="utf-8")
    return secret


async def _newest_incident(unit: Unit) -> int:
    """Return how many there were, so that a new start has its trouble at another site."""
    found = await incidents.incidents(unit, limit=1)
    return found[0].number if found else 0


async def _ready(client: httpx.AsyncClient) -> None:
    while True:
        with contextlib.suppress(httpx.TransportError):
            if (await client.get("/health/ready")).is_success:
                return
        await asyncio.sleep(READY_POLL_S)


async def _metrics_server(shop: Shop, port: int) -> asyncio.Server:
    try:
        return await asyncio.start_server(shop.show, LOOPBACK, port)
    except (OSError, OverflowError):  # taken: any other one will do
        return await asyncio.start_server(shop.show, LOOPBACK, 0)


def _port(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


def _inner_url(settings: Settings) -> str:
    everywhere = settings.host in ("", "0.0.0.0", "::")  # noqa: S104 - compared, not bound
    host = LOOPBACK if everywhere else settings.host
    return (
        f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
    )


def _claim(settings: Settings) -> None:
    """Find out early, and say in words, that the port is taken."""
    try:
        listener(settings.host, settings.port, shared=False).close()
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise Unavailable(
            f"{settings.host}:{settings.port} is in use; choose another with TOCSIN_PORT"
        ) from error


def _end_on_signals() -> None:
    """Let go of everything before the server is up; from then on it has its own way to end."""
    main, loop = asyncio.current_task(), asyncio.get_running_loop()

    def end(*_: object) -> None:
        if main is not None:
            main.cancel()
            loop.call_soon_threadsafe(lambda: None)  # wakes a loop that waits

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
