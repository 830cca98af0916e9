"""While paging is held nobody is called; released, each page that is still open calls one rung."""

from datetime import timedelta

import pytest

from fakes.world import ACME, NOON, World, running
from tocsin.kernel.access import Role
from tocsin.oncall.actions import PAGING_JOBS

pytestmark = [pytest.mark.db, pytest.mark.journey]

DISK = {"alertname": "DiskFull", "severity": "critical"}
LATER = NOON + timedelta(hours=12)


async def _hold(world: World) -> None:
    answer = await world.http.post("/api/v1/paging/hold", headers=world.bearer)
    assert answer.json()["held"] is True


async def _release(world: World) -> dict[str, object]:
    answer = await world.http.post("/api/v1/paging/release", headers=world.bearer)
    assert answer.status_code == 200, answer.text
    await world.settle()
    found: dict[str, object] = answer.json()
    return found


async def test_nothing_leaves_while_paging_is_held(dsn: str) -> None:
    async with running(dsn) as world:
        await world.apply(ACME)
        await _hold(world)
        await world.signal(DISK, ends_at=LATER)
        cover = {
            "kind": "cover", "schedule": "primary", "person": "maya",
            "start_at": (NOON + timedelta(hours=5)).isoformat(),
            "end_at": (NOON + timedelta(hours=6)).isoformat(),
        }  # fmt: skip
        made = await world.http.post(
            "/api/v1/oncall/overrides", json=cover, headers=world.bearer
        )
        assert made.status_code == 201, made.text
        await world.forward(hours=3)
        assert world.mail.sent == []
        # whatever speaks to the world outside does so by an errand; a new one must wait too
        errands = {
            name
            for name, kind in world.app.worker.kinds.by_name.items()
            if kind.mode == "errand"
        }
        assert errands <= {*PAGING_JOBS}
        # it is all there, and waits
        assert await world.rows("SELECT count(*) FROM oncall.pages") == [(1,)]
        ready = await world.app.readiness.check()
        assert [one for one in ready.problems if "paging is held" in one]
        assert not [one for one in ready.problems if "timer" in one]
        await _release(world)
        left = [message.event for _, message in world.mail.sent]
        assert left.count("notice") == 2


async def test_a_page_that_was_never_told_is_told_once_and_then_escalates_as_ever(
    dsn: str,
) -> None:
    async with running(dsn) as world:
        await world.apply(ACME)
        await _hold(world)
        await world.signal(DISK, ends_at=LATER)
        await world.forward(minutes=40)
        assert await _release(world) == {"was_held": True, "open_count": 1, "dropped_count": 0}
        at = world.clock.now()
        first = [message.to for _, message in world.mail.sent]
        assert len(first) == 1
        await world.forward(minutes=5, seconds=1)
        assert [(when - at).total_seconds() for when, _ in world.mail.sent] == [0, 300]


async def test_a_page_that_was_told_before_goes_on_by_one_step(dsn: str) -> None:
    async with running(dsn) as world:
        await world.apply(ACME)
        await world.signal(DISK, ends_at=LATER)
        told = len(world.mail.sent)
        assert told == 1
        await _hold(world)
        await world.forward(hours=8)
        assert len(world.mail.sent) == told
        await _release(world)
        assert len(world.mail.sent) == told + 1


async def test_what_is_over_by_then_calls_nobody(dsn: str) -> None:
    async with running(dsn) as world:
        await world.apply(ACME)
        await _hold(world)
        await world.signal(DISK, ends_at=LATER)
        await world.signal(DISK, ends_at=world.clock.now())
        await world.forward(hours=1)
        found = await _release(world)
        assert found["open_count"] == 0
        assert world.mail.sent == []


async def test_a_hold_and_its_end_stand_in_the_log_and_a_responder_may_do_neither(
    dsn: str,
) -> None:
    async with running(dsn) as world:
        responder = await world.make_token("responder", Role.RESPONDER)
        headers = {"authorization": f"Bearer {responder}"}
        assert (
            await world.http.post("/api/v1/paging/hold", headers=headers)
        ).status_code == 403
        await _hold(world)
        await _hold(world)  # the second changes nothing, and says nothing
        assert (
            await world.http.post("/api/v1/paging/release", headers=headers)
        ).status_code == 403
        await _release(world)
        assert (await _release(world))["was_held"] is False
        story = [kind for kind in await world.story() if kind.startswith("oncall.paging")]
        assert story == ["oncall.paging_held", "oncall.paging_released"]
