"""Pings on the wire: answered after their commit, whoever floods, and with no word of their key."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from fakes.world import ACME, World, running
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.errors import NotFound, Unavailable
from tocsin.kernel.logs import mask
from tocsin.signals import actions as signals
from tocsin.signals.actions import key_hash
from tocsin.signals.jobs import STRANGERS_MAX
from tocsin.signals.model import Ping, PingKind

pytestmark = pytest.mark.db
BACKUP = """
apiVersion: tocsin/v1
kind: Heartbeat
metadata: {name: backup}
spec: {every: 10m}
"""


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    async with running(dsn) as world:
        await world.apply(ACME + "---" + BACKUP)
        yield world


async def key(world: World) -> str:
    return await world.app.units.run(SYSTEM, lambda unit: signals.make_key(unit, "backup"))


async def test_a_ping_is_one_of_these(world: World) -> None:
    for method, end, status in (
        ("GET", "", 200), ("HEAD", "/", 200), ("POST", "/start", 200), ("POST", "/fail", 200),
        ("POST", "/255", 200), ("POST", "/256", 422), ("GET", "/²", 404), ("GET", "/begin", 404),
        ("PUT", "", 405), ("DELETE", "", 405),
    ):  # fmt: skip
        answer = await world.http.request(method, f"/heartbeat/{await key(world)}{end}")
        assert answer.status_code == status, answer.text
        if status == 200:
            assert answer.text == ("" if method == "HEAD" else "ok\n")
            assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert await world.rows("SELECT count(*) FROM signals.pings") == [(5,)]
    for wrong in ("", "x", "x" * 32, "x" * 33, "ä" * 32):
        assert (await world.http.get(f"/heartbeat/{wrong}")).status_code == 404


async def test_no_more_is_kept_than_the_limits(
    world: World,
) -> None:
    said = b"\xff" + b"x" * 20_000  # and of long ones the error at the end is kept, too
    answer = await world.http.post(
        f"/heartbeat/{await key(world)}", content=said, headers={"user-agent": "a" * 900}
    )
    assert answer.status_code == 200
    [(text, sender)] = await world.rows("SELECT text, sender FROM signals.pings")
    assert text == "\ufffd" + "x" * 1_999 + "\n[...]\n" + "x" * 7_993
    assert sender == "a" * 200
    # and a key that pings too fast hears when to come again
    path = f"/heartbeat/{await key(world)}"
    statuses = [(await world.http.get(path)).status_code for _ in range(9)]
    assert statuses[:4] == [200] * 4
    assert statuses[-1] == 429
    refused = await world.http.get(path)
    assert refused.headers["retry-after"] == "1"
    kept = await world.rows("SELECT count(*) FROM signals.pings")
    assert kept == [(1 + statuses.count(200),)]


async def test_a_ping_is_taken_while_the_alerts_of_others_are_refused(world: World) -> None:
    path = f"/heartbeat/{await key(world)}"
    intake = world.app.intake
    intake.behind = {"test": 60.0, "heartbeats": 60.0}
    intake.pace.allow(0)  # and those that are taken wait
    alert = [{"labels": {"alertname": "Flood"}}]
    refused = [
        await world.http.post("/api/v2/alerts", json=alert, headers=world.bearer)
        for _ in range(7)
    ]
    assert refused[-1].status_code == 503
    async with asyncio.timeout(0.5):
        assert (await world.http.get(path)).status_code == 200
        assert (await world.http.get(f"{path}/fail")).status_code == 200
    await world.settle()
    assert await world.rows(
        "SELECT state FROM triage.alerts WHERE labels->>'heartbeat' = 'backup'"
    ) == [("firing",)]


async def test_keys_that_nobody_has_do_not_crowd_out_one_that_somebody_has(
    world: World,
) -> None:
    path = f"/heartbeat/{await key(world)}"
    assert (await world.http.get(path)).status_code == 200
    strangers = [
        asyncio.ensure_future(world.http.get(f"/heartbeat/{n:032}"))
        for n in range(STRANGERS_MAX + 200)
    ]
    for _ in range(20):
        await asyncio.sleep(0)
    assert (await world.http.get(path)).status_code == 200
    statuses = {(await one).status_code for one in strangers}
    assert statuses <= {404, 503}


async def test_a_process_that_was_stopped_keeps_nothing_of_what_is_old(world: World) -> None:
    path = f"/heartbeat/{await key(world)}"
    elapsed = [0.0]
    pulse = world.app.intake.pulse
    pulse._elapsed_s = lambda: elapsed[0]  # the machine's own time, moved
    await pulse.beat()
    elapsed[0] = 100.0
    refused = await world.http.get(path)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    await pulse.beat()
    elapsed[0] = 102.0
    await pulse.beat()
    assert (await world.http.get(path)).status_code == 200


async def test_clients_of_opsgenie_and_goalert_ping_as_they_know_it(world: World) -> None:
    token = await world.make_token("cron", Role.INTEGRATION)
    headers = {"authorization": f"GenieKey {token}"}
    answer = await world.http.get("/v2/heartbeats/backup/ping", headers=headers)
    assert (answer.status_code, answer.json()["result"]) == (202, "PONG - Heartbeat received")
    assert set(answer.json()) == {"result", "took", "requestId"}
    missing = await world.http.get("/v2/heartbeats/nothing/ping", headers=headers)
    assert missing.status_code == 404
    assert (await world.http.get("/v2/heartbeats/backup/ping")).status_code == 401
    viewer = {"authorization": f"GenieKey {await world.make_token('eye', Role.VIEWER)}"}
    refused = await world.http.get("/v2/heartbeats/backup/ping", headers=viewer)
    assert refused.status_code == 403
    answer = await world.http.post(f"/api/v2/heartbeat/{await key(world)}")
    assert answer.status_code == 200
    assert await world.rows("SELECT count(*) FROM signals.pings") == [(2,)]


async def test_a_process_that_takes_no_alerts_takes_no_pings(dsn: str) -> None:
    async with running(dsn, roles=("work",)) as world:
        await world.apply(ACME + "---" + BACKUP)
        answer = await world.http.get(f"/heartbeat/{await key(world)}")
        assert answer.status_code == 503


@pytest.mark.parametrize("path", ["/heartbeat/", "/api/v2/heartbeat/"])
def test_a_key_never_reaches_a_log(path: str) -> None:
    assert "s3cret" not in mask(f'GET {path}s3cret/fail "x"')


async def listening_at(world: World) -> object:
    found = await world.rows("SELECT heard_at FROM signals.listening")
    return found[0][0] if found else None


async def test_who_cannot_keep_a_ping_does_not_say_that_pings_are_heard(world: World) -> None:
    path = f"/heartbeat/{await key(world)}"
    elapsed = [0.0]
    pings, pulse = world.app.pings, world.app.intake.pulse
    pings._elapsed_s = pulse._elapsed_s = lambda: elapsed[0]  # the machine's own time, moved
    await pings.listen()
    before = await listening_at(world)
    async with world.app.db.connection() as conn, conn.transaction():
        await conn.execute("SELECT 1 FROM signals.heartbeats FOR UPDATE")
        waits = asyncio.ensure_future(world.http.get(path))
        while not pings._in_hand:
            await asyncio.sleep(0)
        world.clock.forward(seconds=5)
        elapsed[0] = 4.9
        await pings.listen()
        assert await listening_at(world) == world.clock.now() != before
        world.clock.forward(seconds=5)
        elapsed[0] = 5.1
        await pings.listen()
        assert await listening_at(world) != world.clock.now()
    assert (await waits).status_code == 200
    await pings.listen()
    assert await listening_at(world) == world.clock.now()
    # and where the last group was refused
    await pulse.beat()
    elapsed[0] = 100.0
    assert (await world.http.get(path)).status_code == 503
    world.clock.forward(seconds=5)
    await pings.listen()
    assert await listening_at(world) != world.clock.now()
    await pings.listen()
    assert await listening_at(world) == world.clock.now()


async def test_a_process_knows_all_keys_from_its_start_on(world: World) -> None:
    pings = world.app.pings
    hashes = [n.to_bytes(32, "big") for n in range(STRANGERS_MAX + 1)]
    hashes.append(key_hash(await key(world)))  # and no ping of it has come since the start
    await pings.listen()
    *strangers, ours = [
        asyncio.ensure_future(pings.take(Ping(key_hash=one, kind=PingKind.OK)))
        for one in hashes
    ]
    await asyncio.sleep(0)
    assert len(pings._queue) == STRANGERS_MAX + 1
    while not pings._in_hand:
        await asyncio.sleep(0)
    assert not world.app.way.is_held  # strangers wait for others
    assert (await ours).heartbeat.name == "backup"
    refused = await asyncio.gather(*strangers, return_exceptions=True)
    assert [type(one) for one in refused] == [NotFound] * STRANGERS_MAX + [Unavailable]
