"""The database is read-only or gone: screens say so calmly, machines get a code, and it passes."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import psycopg
import pytest
from pages_world import HTML, browser, fire, proof
from psycopg.conninfo import conninfo_to_dict

from fakes.wire_proxy import Proxy, proxy
from fakes.world import ACME, World, running
from tocsin.app.front import Front
from tocsin.kernel.db_watch import BRIEF_S
from tocsin.web.units import LOCK_LIMIT_S

pytestmark = pytest.mark.journey


@pytest.fixture
async def wire(dsn: str) -> AsyncIterator[Proxy]:
    async with proxy(dsn) as wire:
        yield wire


@pytest.fixture
async def far(wire: Proxy) -> AsyncIterator[World]:
    """The application, behind a wire that can be cut."""
    async with running(wire.conninfo) as world:
        await world.apply(ACME)
        yield world


async def lose(world: World, wire: Proxy) -> None:
    """Cut the wire, and let the application notice."""
    wire.is_down = True
    watch = world.app.database_watch
    await world.app.db.renew()
    await watch._drop()
    await watch.look()
    watch._since_s -= BRIEF_S


async def test_a_database_that_is_gone_is_a_calm_page_a_code_and_passes(
    far: World, wire: Proxy
) -> None:
    async with browser(far) as maya:
        await lose(far, wire)
        page = await maya.get("/")
        assert (page.status_code, page.headers["retry-after"]) == (503, "2")
        assert "the database does not answer" in page.text
        assert "Every alert that was accepted is stored" in page.text
        assert '<meta http-equiv="refresh" content="5">' in page.text
        ready = await maya.get("/health/ready")
        assert (ready.status_code, ready.json()["database"]) == (503, "unreachable")
        assert ready.json()["codes"][0] == "database-unreachable"
        alerts = [{"labels": {"alertname": "X"}}]
        kept = await far.http.post("/api/v2/alerts", json=alerts, headers=far.bearer)
        assert (kept.status_code, kept.headers["retry-after"]) == (503, "2")
        wire.is_down = False
        await far.app.database_watch.look()
        assert (await maya.get("/")).status_code == 200
        assert (await maya.get("/health/ready")).json()["database"] == "ok"


async def test_a_read_only_database_can_be_looked_at_and_says_so_on_every_screen(
    far: World, dsn: str
) -> None:
    name = conninfo_to_dict(dsn)["dbname"]
    await fire(far)
    await far.settle()
    async with browser(far) as maya:
        form = proof(await maya.get("/incidents/INC-1"))
        with psycopg.connect(dsn, autocommit=True) as other:
            alter = f'ALTER DATABASE "{name}" SET default_transaction_read_only = '
            other.execute((alter + "on").encode())
            await far.app.db.renew()
            await far.app.database_watch._drop()
            await far.app.database_watch.look()
            page = await maya.get("/incidents/INC-1")
            assert page.status_code == 200
            assert "The database is read-only: nothing new is kept" in page.text
            ready = (await maya.get("/health/ready")).json()
            assert (ready["ready"], ready["codes"][0]) == (False, "database-read-only")
            refused = await maya.post("/incidents/INC-1/acknowledge", data=form)
            assert refused.status_code == 503
            assert "the database is read-only" in refused.text
            assert "nothing was changed" in refused.text
            other.execute((alter + "off").encode())
            await far.app.database_watch.look()
            again = await maya.get("/incidents/INC-1")
            assert "The database is read-only" not in again.text
            done = await maya.post("/incidents/INC-1/acknowledge", data=form)
            assert done.status_code in (200, 303)


async def test_a_screen_that_waits_for_a_lock_says_so_in_a_moment_and_every_screen_its_trouble(
    dsn: str,
) -> None:
    async with running(dsn) as world, browser(world) as maya:
        await world.apply(ACME)
        world.clock.forward(seconds=20)
        assert "The worker has not looked" not in (await maya.get("/incidents")).text
        assert "worker-silent" in (await maya.get("/health/ready")).json()["codes"]
        page = await maya.get("/incidents")
        assert "<span>The worker has not looked for jobs for 20 s</span>" in page.text
        with psycopg.connect(dsn) as other:
            other.execute("LOCK TABLE triage.alerts IN ACCESS EXCLUSIVE MODE")
            began_s = asyncio.get_running_loop().time()
            screen, listed = await asyncio.gather(
                maya.get("/"), world.http.get("/api/v1/alerts", headers=world.bearer)
            )
            assert asyncio.get_running_loop().time() - began_s < 2 * LOCK_LIMIT_S
        assert (screen.status_code, listed.status_code) == (503, 503)
        assert "the database has a lock on what this needs" in screen.text
        assert '<meta http-equiv="refresh" content="5">' in screen.text
        assert (await maya.get("/")).status_code == 200


async def test_before_there_is_a_database_every_path_says_what_is_waited_for() -> None:
    transport = httpx.ASGITransport(Front())  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
        assert (await client.get("/health/live")).status_code == 200
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()["codes"]) == (
            503,
            ["starting", "database-starting"],
        )
        page = await client.get("/incidents", headers=HTML)
        assert (page.status_code, page.headers["retry-after"]) == (503, "2")
        assert "Tocsin is starting." in page.text
        assert "content-security-policy" in page.headers
        refused = await client.post("/api/v2/alerts", json=[])
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
