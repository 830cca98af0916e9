"""When held paging is released, a page goes on by one rung and never by two."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from tocsin.kernel.ids import IncidentId, NotificationId, PageId, PersonId, PolicyId
from tocsin.oncall.core.holding import free
from tocsin.oncall.core.ladder import Ladder, Rung
from tocsin.oncall.model import (
    MethodKind,
    Notification,
    Page,
    PageState,
    RungKey,
    TimerKind,
)

NOW = datetime(2026, 3, 27, 12, tzinfo=UTC)
LADDER = Ladder(
    rungs=(Rung(timeout_s=300), Rung(timeout_s=600)),
    repeat=1,
    catch_all=Rung(timeout_s=900),
    catch_every_s=900,
    ack_timeout_s=0,
)
PAGE = Page(
    id=PageId(UUID(int=1)), incident_id=IncidentId(UUID(int=2)),
    policy_id=PolicyId(UUID(int=3)), opened_at=NOW - timedelta(hours=1),
    state=PageState.ESCALATING, epoch=1, step=1,
)  # fmt: skip


def waiting(rung: RungKey) -> Notification:
    """Return a message of this rung that has not been sent."""
    return Notification(
        id=NotificationId(UUID(int=4)), page_id=PAGE.id, epoch=rung.epoch, loop=rung.loop,
        step=rung.step, catch=rung.catch, person_id=PersonId(UUID(int=5)), rule=0, method=0,
        kind=MethodKind.EMAIL, queued_at=NOW,
    )  # fmt: skip


def test_a_rung_that_was_not_told_is_told_and_has_its_full_time() -> None:
    freed = free(PAGE, [waiting(PAGE.rung)], LADDER, NOW)
    assert freed.dropped == ()
    assert freed.timer is not None
    assert freed.timer.kind is TimerKind.STEP
    assert freed.timer.due_at == NOW + timedelta(seconds=600)


def test_what_an_earlier_rung_had_still_to_send_is_dropped() -> None:
    old = waiting(RungKey(epoch=1, loop=0, step=0))
    freed = free(PAGE, [old, waiting(PAGE.rung)], LADDER, NOW)
    assert freed.dropped == (old,)
    assert freed.timer is not None


def test_a_rung_that_was_told_before_goes_on_as_its_timer_says() -> None:
    assert free(PAGE, [], LADDER, NOW).timer is None
    assert free(PAGE, [waiting(RungKey(epoch=1, loop=0, step=0))], LADDER, NOW).timer is None


def test_the_catch_all_waits_as_long_as_it_always_does() -> None:
    page = replace(PAGE, catch=2)
    freed = free(page, [waiting(page.rung)], LADDER, NOW)
    assert freed.timer is not None
    assert freed.timer.kind is TimerKind.CATCH
    assert freed.timer.due_at == NOW + timedelta(seconds=900)


def test_a_step_that_the_policy_has_lost_waits_for_nothing() -> None:
    page = replace(PAGE, step=7)
    freed = free(page, [waiting(page.rung)], LADDER, NOW)
    assert freed.timer is not None
    assert freed.timer.due_at == NOW


@pytest.mark.parametrize("state", [PageState.ACKNOWLEDGED, PageState.RESOLVED])
def test_a_page_that_somebody_has_calls_nobody(state: PageState) -> None:
    page = replace(PAGE, state=state)
    assert free(page, [waiting(page.rung)], LADDER, NOW).timer is None
