"""Intake: an answer of 2xx means "on disk", and every refusal says so before anything is kept."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
from msgspec.structs import replace
from typing_extensions import override

from fakes.patience import until_waiting
from fakes.world import World, running
from tocsin.app.loops import Loops
from tocsin.kernel import logs
from tocsin.kernel.access import Role
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.db import Database
from tocsin.kernel.errors import Forbidden, Unavailable
from tocsin.signals.actions import QUEUE_MAX, Intake
from tocsin.signals.model import Slice
from tocsin.web.identity import Bucket, Caller, Identity
from tocsin.web.inbound import BODY_MAX, FORMAT, Inbound

pytestmark = pytest.mark.db

PATH = "/api/v2/alerts"
INBOX = "SELECT integration FROM signals.inbox ORDER BY id"


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    async with running(dsn) as world:
        yield world


@pytest.fixture
def blocked(dsn: str) -> Iterator[psycopg.Connection]:
    """Nothing can be written to the inbox until this connection commits."""
    with psycopg.connect(dsn) as conn:
        conn.execute("LOCK TABLE signals.inbox IN ACCESS EXCLUSIVE MODE")
        yield conn


def alerts(count: int = 1, name: str = "Down") -> list[dict[str, dict[str, str]]]:
    return [{"labels": {"alertname": name, "instance": str(n)}} for n in range(count)]


async def post(
    world: World, count: int = 1, token: str | None = None
) -> tuple[int, str | None]:
    headers = {"authorization": f"Bearer {token or world.token}"}
    answer = await world.http.post(PATH, json=alerts(count), headers=headers)
    return answer.status_code, answer.headers.get("retry-after")


async def test_nobody_is_answered_before_the_commit(
    world: World, blocked: psycopg.Connection
) -> None:
    answer = asyncio.ensure_future(post(world))
    await until_waiting(world.app.db)
    assert not answer.done()
    blocked.commit()
    assert await answer == (200, None)
    assert await world.rows(INBOX) == [("test",)]


async def test_what_was_sent_before_the_process_was_stopped_is_refused_and_comes_again(
    world: World,
) -> None:
    pulse = world.app.intake.pulse
    await pulse.beat()
    pulse._beat_s = (pulse._beat_s or 0.0) - 10  # SIGSTOP, SIGCONT
    assert await post(world) == (503, "1")
    assert await world.rows(INBOX) == []
    await pulse.beat()
    pulse._fresh_from_s = 0.0
    assert await post(world) == (200, None)


async def test_a_commit_that_is_cut_off_is_answered_with_come_again_and_kept_nothing(
    world: World, blocked: psycopg.Connection
) -> None:
    answers = [asyncio.ensure_future(post(world)) for _ in range(3)]
    pid = await until_waiting(world.app.db)
    blocked.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    blocked.commit()
    found = [await one for one in answers]
    assert found[0] == (503, "5")
    kept = [status for status, _ in found].count(200)
    assert len(await world.rows(INBOX)) == kept  # a 2xx for each that is there, and no other
    assert await post(world) == (200, None)  # the next finds a new connection


async def test_requests_that_meet_share_a_commit(
    world: World, blocked: psycopg.Connection
) -> None:
    first = asyncio.ensure_future(post(world))
    await until_waiting(world.app.db)
    others = [asyncio.ensure_future(post(world)) for _ in range(20)]
    while len(world.app.intake._light.waiters) < 20:
        await asyncio.sleep(0)
    blocked.commit()
    assert {(await one)[0] for one in [first, *others]} == {200}
    assert await world.rows(
        "SELECT count(*), count(DISTINCT xmin::text) FROM signals.inbox"
    ) == [(21, 2)]
    assert world.app.intake.is_busy()


async def test_a_sender_that_goes_away_takes_nobody_along(
    world: World, blocked: psycopg.Connection
) -> None:
    impatient = asyncio.ensure_future(post(world))
    patient = asyncio.ensure_future(post(world))
    await until_waiting(world.app.db)
    impatient.cancel()
    blocked.commit()
    assert await patient == (200, None)
    assert await post(world) == (200, None)


async def test_a_full_queue_refuses_at_once_and_says_when_to_come_back(
    database: Database, world: World
) -> None:
    intake = Intake(database, world.clock)  # nothing empties it
    part = Slice(lane=0, body=b"[]", count=1)
    waiting = asyncio.ensure_future(intake.accept(SYSTEM, FORMAT, [part] * (QUEUE_MAX + 1)))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="full") as caught:
        await intake.accept(SYSTEM, FORMAT, [part])
    assert caught.value.retry_after_s == 1
    waiting.cancel()


async def test_intake_stops_while_sorting_is_too_far_behind_and_goes_on_by_itself(
    world: World,
) -> None:
    loops = Loops(world.app)
    assert await post(world) == (200, None)
    world.clock.forward(seconds=world.app.settings.lag_limit_s + 1)
    await loops._pressure()
    assert await post(world) == (503, "1")
    await world.settle()
    await loops._pressure()
    assert await post(world) == (200, None)


async def test_ready_says_whatever_intake_says_to_senders(world: World) -> None:
    loops, intake = Loops(world.app), world.app.intake

    async def said() -> set[str]:
        found = await world.app.readiness.check()
        codes = {code for code in found.codes if code.startswith("intake-")}
        assert found.ready or codes
        return codes

    world.app.worker.beat_at = world.clock.now()
    assert await post(world) == (200, None)
    assert await said() == set()
    world.clock.forward(seconds=world.app.settings.lag_limit_s + 1)
    await loops._pressure()
    await world.settle()  # all is sorted, and intake does not know of it yet
    world.app.worker.beat_at = world.clock.now()
    assert await post(world) == (503, "1")
    assert await said() == {"intake-behind"}
    await loops._pressure()
    assert await said() == set()
    await intake.pulse.beat()
    intake.pulse._beat_s = (intake.pulse._beat_s or 0.0) - 10  # SIGSTOP, SIGCONT
    assert await post(world) == (503, "1")
    assert await said() == {"intake-stopped"}


async def test_a_token_over_its_rate_hears_429_and_its_alerts_are_not_kept(
    world: World,
) -> None:
    token = await world.make_token("prom", Role.INTEGRATION, rate=2)
    assert await post(world, 20, token) == (200, None)  # ten seconds' worth at once
    assert await post(world, 1, token) == (429, "1")
    assert await post(world) == (200, None)  # the limit is the token's own
    assert [name for (name,) in await world.rows(INBOX)].count("prom") <= 16  # one a lane


def test_a_bucket_fills_again_with_time_and_never_over() -> None:
    bucket = Bucket(10)
    assert bucket.take(100)
    assert not bucket.take(1)
    bucket._at -= 3.0
    assert bucket.take(29)
    assert not bucket.take(29)
    bucket._at -= 3600.0
    assert bucket.take(100)
    assert not bucket.take(50)


def test_a_request_larger_than_the_bucket_is_taken_when_it_is_full_and_paid_for_afterwards() -> (
    None
):
    """Otherwise Prometheus, which sends up to 64 alerts at once, would send them for ever."""
    bucket = Bucket(5)
    assert bucket.take(64)
    assert not bucket.take(1)
    bucket._at -= 2.0  # 14 were owed, 10 have come
    assert not bucket.take(1)
    bucket._at -= 2.0
    assert bucket.take(1)


async def test_a_body_of_more_than_a_mebibyte_is_refused_however_it_comes(world: World) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b" " * (BODY_MAX // 16)

    for content in (b" " * (BODY_MAX + 1), pieces()):
        answer = await world.http.post(PATH, content=content, headers=world.bearer)
        assert answer.status_code == 413
        assert answer.json()["code"] == "too-large"
    body = b"[" + b" " * (BODY_MAX - 2) + b"]"
    answer = await world.http.post(PATH, content=body, headers=world.bearer)
    assert answer.status_code == 200
    assert await world.rows(INBOX) == []


async def test_nobody_known_is_asked_for_a_token(world: World) -> None:
    wrong = ("Bearer ", "Bearer tocsin_unknown", "Bearer other", "Basic dG9jc2luOng=")
    for headers in ({}, *({"authorization": one} for one in wrong)):
        for path in (PATH, "/alertmanager/api/v2/alerts"):
            answer = await world.http.post(path, json=alerts(), headers=headers)
            assert answer.status_code == 401, headers
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.json()["code"] == "unauthenticated"
    assert await world.rows(INBOX) == []


async def test_only_integrations_and_admins_may_send(world: World) -> None:
    for role in set(Role) - {Role.SYSTEM}:
        token = await world.make_token(role, role)
        allowed = role in (Role.INTEGRATION, Role.ADMIN)
        assert (await post(world, token=token))[0] == (200 if allowed else 403), role
    kept = {name for (name,) in await world.rows(INBOX)}
    assert kept == {"integration", "admin"}


async def test_intake_itself_refuses_whoever_may_not_send(world: World) -> None:
    with pytest.raises(Forbidden, match="signal:accept"):
        world.app.intake.require(replace(SYSTEM, role=Role.VIEWER))


async def test_a_key_in_the_path_is_as_good_as_a_header(world: World) -> None:
    token = await world.make_token("prom", Role.INTEGRATION)
    for prefix in (f"/integrations/{token}", f"/integrations/{token}/alertmanager"):
        answer = await world.http.post(f"{prefix}{PATH}", json=alerts())
        assert answer.status_code == 200, answer.text
    answer = await world.http.post(f"/integrations/{token}x{PATH}", json=alerts())
    assert answer.status_code == 401
    assert await world.rows(INBOX) == [("prom",), ("prom",)]


async def test_a_key_in_the_path_is_masked_wherever_the_log_names_the_path(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    token = await world.make_token("prom", Role.INTEGRATION)
    await world.app.db.close()
    answer = await world.http.post(f"/integrations/{token}{PATH}", json=alerts())
    assert answer.status_code >= 500
    written = [logs._Json().format(record) for record in caplog.records]
    assert any("/integrations/***" in line for line in written)
    assert not any(token in line for line in written)
    assert token not in answer.text


class AwayIdentity(Identity):
    """Knows nobody, for the database is away."""

    @override
    async def by_token(self, secret: str) -> Caller:
        raise psycopg.OperationalError("connection refused")


async def test_a_database_that_is_away_is_answered_with_come_again(world: World) -> None:
    from httpx import ASGITransport, AsyncClient

    services = replace(world.app.services, identity=AwayIdentity(world.app.db, world.clock))
    site = Inbound(services, world.app.site._lobby.behind)
    async with AsyncClient(transport=ASGITransport(site), base_url="http://t") as http:
        answer = await http.post(PATH, json=alerts(), headers=world.bearer)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"


async def test_good_alerts_beside_a_bad_one_are_kept_and_the_sender_hears_of_the_bad_one(
    world: World,
) -> None:
    answer = await world.http.post(PATH, json=[*alerts(), {"labels": {}}], headers=world.bearer)
    assert answer.status_code == 400
    assert len(await world.rows(INBOX)) == 1


async def test_what_was_sent_is_listed_once_it_is_sorted(world: World) -> None:
    await post(world, 3)
    await world.settle()
    answer = await world.http.get(PATH, headers=world.bearer)
    assert {one["labels"]["instance"] for one in answer.json()} == {"0", "1", "2"}


class CountingIdentity(Identity):
    """Counts how often a token is looked up."""

    looks = 0

    @override
    async def _look_up(self, secret: str) -> Caller:
        self.looks += 1
        return await super()._look_up(secret)


async def test_a_token_that_many_connections_send_at_once_is_looked_up_once(
    world: World,
) -> None:
    identity = CountingIdentity(world.app.db, world.clock, store=world.app.store)
    callers = await asyncio.gather(*(identity.by_token(world.token) for _ in range(50)))
    assert identity.looks == 1
    assert len({caller.actor.id for caller in callers}) == 1
    unknown = world.token[:-1] + "x"
    found = await asyncio.gather(
        *(identity.by_token(unknown) for _ in range(3)), return_exceptions=True
    )
    assert {type(one).__name__ for one in found} == {"Unauthenticated"}
    assert identity._looking == {}
