"""A job is heard of, then it is not: somebody is paged; it comes back, and that is over."""

from collections.abc import AsyncIterator

import pytest

from fakes.world import ACME, World, running
from tocsin.kernel.actor import SYSTEM
from tocsin.signals import actions as signals

pytestmark = [pytest.mark.db, pytest.mark.journey]

BACKUP = """
apiVersion: tocsin/v1
kind: Heartbeat
metadata: {name: backup}
spec: {every: 10m, grace: 2m, labels: {service: storage}, runbookUrl: "https://r.test/b"}
"""
NIGHTLY = """
apiVersion: tocsin/v1
kind: Heartbeat
metadata: {name: nightly}
spec: {cron: "30 2 * * *", timezone: Europe/Berlin, grace: 1h}
"""


@pytest.fixture
async def jobs(dsn: str) -> AsyncIterator[World]:
    async with running(dsn) as world:
        await world.apply(ACME + "---" + BACKUP)
        yield world


async def key(world: World, name: str = "backup") -> str:
    return await world.app.units.run(SYSTEM, lambda unit: signals.make_key(unit, name))


async def states(world: World) -> list[str]:
    rows = await world.rows("SELECT state FROM triage.alerts ORDER BY id")
    return [row[0] for row in rows]


async def test_a_job_that_stays_away_pages_whoever_is_on_call_until_it_is_heard_of_again(
    jobs: World,
) -> None:
    path = f"/heartbeat/{await key(jobs)}"
    await jobs.forward(hours=2)  # never heard of, never missed
    answer = await jobs.http.get(path)
    assert (answer.status_code, answer.text) == (200, "ok\n")
    await jobs.forward(minutes=11, seconds=59)
    assert (await states(jobs), jobs.mail.sent) == ([], [])
    await jobs.forward(seconds=1)
    assert await states(jobs) == ["firing"]
    [labels] = (await jobs.rows("SELECT labels FROM triage.alerts"))[0]
    assert labels == {
        "alertname": "Heartbeat backup", "heartbeat": "backup", "service": "storage",
        "severity": "critical",
    }  # fmt: skip
    [row] = await jobs.rows("SELECT annotations, source_url FROM triage.alerts")
    assert row[0]["summary"] == (
        "backup was not heard of in time: last heard well 12 min ago, expected every 10m"
        " (grace 2m)"
    )
    assert row[0]["runbook_url"] == "https://r.test/b"
    assert row[1].endswith("/heartbeats/backup")
    assert jobs.mail.to("jonas@example.org") == [jobs.clock.now()]
    await jobs.forward(minutes=3)
    assert (await jobs.http.head(path)).status_code == 200
    await jobs.settle()
    assert await states(jobs) == ["resolved"]
    assert await jobs.rows("SELECT status FROM command.incidents") == [("resolved",)]
    story = [kind for kind in await jobs.story() if kind.startswith("signals.")]
    assert story == [
        "signals.heartbeat_key_made", "signals.heartbeat_missed",
        "signals.heartbeat_recovered",
    ]  # fmt: skip


async def test_a_failure_pages_at_once_with_what_the_job_said(jobs: World) -> None:
    path = f"/heartbeat/{await key(jobs)}"
    assert (await jobs.http.post(f"{path}/start")).status_code == 200
    answer = await jobs.http.post(f"{path}/3", content="…\nNo space left\0\n".encode())
    assert answer.status_code == 200
    await jobs.settle()
    [row] = await jobs.rows("SELECT annotations FROM triage.alerts")
    assert row[0]["summary"] == "backup failed with exit code 3"
    assert row[0]["output"] == "…\nNo space left\ufffd"
    assert len(jobs.mail.sent) == 1
    await jobs.http.get(f"{path}/fail")  # once more, while somebody is on it
    await jobs.settle()
    assert await states(jobs) == ["firing"]
    await jobs.http.get(f"{path}/0")
    await jobs.settle()
    assert await states(jobs) == ["resolved"]
    kinds = await jobs.rows("SELECT kind, exit_code FROM signals.pings ORDER BY id")
    assert kinds == [("start", None), ("fail", 3), ("fail", None), ("ok", 0)]


async def test_a_run_that_begins_and_never_ends_is_missed(jobs: World) -> None:
    path = f"/heartbeat/{await key(jobs)}"
    await jobs.http.get(path)
    await jobs.http.get(f"{path}/start")
    await jobs.forward(minutes=2)
    [row] = await jobs.rows("SELECT annotations FROM triage.alerts")
    assert row[0]["summary"] == "backup began 2 min ago and has not ended (grace 2m)"


async def test_who_called_it_over_by_hand_hears_of_it_again_if_it_stays_away(
    jobs: World,
) -> None:
    await jobs.http.get(f"/heartbeat/{await key(jobs)}")
    await jobs.forward(minutes=12)
    [(alert,)] = await jobs.rows("SELECT id FROM triage.alerts")
    await jobs.http.post(
        "/api/v1/alerts/resolve", json={"alerts": [str(alert)]}, headers=jobs.bearer
    )
    await jobs.settle()
    assert await states(jobs) == ["resolved"]
    await jobs.forward(minutes=50)
    assert await states(jobs) == ["resolved"]
    await jobs.forward(minutes=11)
    assert await states(jobs) == ["firing"]


async def test_a_nightly_job_is_expected_by_the_clocks_of_its_zone(jobs: World) -> None:
    await jobs.apply(NIGHTLY)
    path = f"/heartbeat/{await key(jobs, 'nightly')}"
    await jobs.http.get(path)  # at noon of March 27th
    await jobs.forward(hours=13, minutes=30)
    assert (await jobs.http.get(path)).status_code == 200
    await jobs.forward(hours=24)  # Berlin skips 2:30 of the 29th: it is made up for at 3:00
    assert await states(jobs) == []
    await jobs.forward(minutes=30)
    assert await states(jobs) == ["firing"]


async def test_pausing_ends_the_alert_and_resuming_begins_anew(jobs: World) -> None:
    path = f"/heartbeat/{await key(jobs)}"
    await jobs.http.get(path)
    await jobs.forward(minutes=12)
    await jobs.app.units.run(SYSTEM, lambda unit: signals.pause(unit, "backup"))
    await jobs.settle()
    assert await states(jobs) == ["resolved"]
    assert (await jobs.http.get(path)).text.startswith("ok: noted, and nothing else")
    await jobs.forward(hours=5)
    assert await states(jobs) == ["resolved"]
    await jobs.app.units.run(SYSTEM, lambda unit: signals.resume(unit, "backup"))
    await jobs.forward(minutes=11)
    assert await states(jobs) == ["resolved"]
    await jobs.forward(minutes=1)
    assert await states(jobs) == ["firing"]


async def test_a_deleted_heartbeat_takes_its_alert_and_its_key_with_it(jobs: World) -> None:
    path = f"/heartbeat/{await key(jobs)}"
    await jobs.http.get(path)
    await jobs.forward(minutes=12)
    answer = await jobs.http.delete(
        "/api/v1/resources/Heartbeat/backup?take_over=true", headers=jobs.bearer
    )
    assert answer.status_code == 200, answer.text
    await jobs.settle()
    assert await states(jobs) == ["resolved"]
    assert (await jobs.http.get(path)).status_code == 404
    assert await jobs.rows("SELECT 1 FROM signals.pings") == []


async def test_while_tocsin_was_away_nobody_is_missed_at_its_return(jobs: World) -> None:
    path = f"/heartbeat/{await key(jobs)}"
    await jobs.http.get(path)
    await jobs.settle()
    jobs.clock.forward(hours=3)  # the machine was asleep
    await jobs.settle()
    assert await states(jobs) == []
    await jobs.forward(minutes=11)
    assert await states(jobs) == []
    await jobs.forward(minutes=1)  # it had a whole period, and its grace
    assert await states(jobs) == ["firing"]


async def test_nobody_is_missed_while_nobody_listens(jobs: World) -> None:
    await jobs.http.get(f"/heartbeat/{await key(jobs)}")
    await jobs.app.pings.listen()
    jobs.clock.forward(hours=3)
    assert await jobs.app.pings.watch() == 0
    assert await jobs.app.pings.watch() == 0
