"""A provider that takes everything and tells nothing: the person's rules go on without waiting."""

import pytest
from paging_world import BOSS, NTFY, PEOPLE, do, fire, to

from fakes.world import World
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.ids import NotificationId, PageId
from tocsin.oncall import actions as oncall
from tocsin.oncall.core.receipt import ReceiptKind
from tocsin.oncall.ports import Outcome, Outgoing, PermanentFailure, Sent

pytestmark = pytest.mark.db
PHONE, SMS, MAIL = f"{NTFY}nora", "+491700000001", "nora@example.org"


def silent(message: Outgoing) -> Outcome:
    """Take it, promise a receipt within a minute, and never send one."""
    return Sent(message.key, receipt_within_s=60)


async def paged(world: World) -> PageId:
    """Call nora by her rules: by ntfy at once, by text message after two minutes."""
    await world.apply(PEOPLE)
    world.mail.judge = silent
    return await fire(world, team="rules")


async def receipt(world: World, page_id: PageId, method: str, kind: ReceiptKind) -> None:
    found = await world.rows("SELECT kind, id, page_id FROM oncall.notifications ORDER BY id")
    ids = [one for name, one, page in found if name == method and page == page_id]
    told = oncall.Receipt(notification_id=NotificationId(ids[0]), attempt=1, kind=kind)
    await do(world, lambda unit: oncall.receive(unit, told), SYSTEM)


async def test_the_next_rule_comes_when_no_receipt_has_and_after_the_last_rule_what_is_left(
    world: World,
) -> None:
    await paged(world)
    await world.forward(seconds=59)
    assert to(world, SMS) == []
    await world.forward(minutes=6)
    # a minute without a word each, and none of them twice
    assert (to(world, PHONE), to(world, SMS), to(world, MAIL)) == ([0], [1], [2])
    assert await world.rows("SELECT DISTINCT state FROM oncall.notifications") == [("sent",)]
    story = await world.story()
    # nobody tells what became of a mail, so nothing is waited for there
    assert story.count("oncall.notification_unconfirmed") == 2
    assert "oncall.person_unreachable" not in story


async def test_it_may_have_arrived_so_the_step_has_all_its_time(world: World) -> None:
    await paged(world)
    await world.forward(minutes=9.9)
    assert await world.rows("SELECT step FROM oncall.pages") == [(0,)]
    await world.forward(minutes=0.2)
    assert await world.rows("SELECT step FROM oncall.pages") == [(1,)]
    assert to(world, PHONE) == [0, 10]


async def test_a_receipt_in_time_leaves_the_rules_as_they_are(world: World) -> None:
    page_id = await paged(world)
    await receipt(world, page_id, "ntfy", ReceiptKind.DELIVERED)
    await world.forward(minutes=1.5)
    assert to(world, SMS) == []
    await world.forward(minutes=1)
    assert (to(world, SMS), to(world, MAIL)) == ([2], [])


async def test_a_receipt_that_comes_late_changes_nothing_that_was_done(world: World) -> None:
    page_id = await paged(world)
    await world.forward(minutes=1.2)
    await receipt(world, page_id, "ntfy", ReceiptKind.DELIVERED)
    await receipt(world, page_id, "sms", ReceiptKind.DELIVERED)
    await world.forward(minutes=8)
    assert (to(world, PHONE), to(world, SMS), to(world, MAIL)) == ([0], [1], [])


async def test_when_all_of_it_is_reported_lost_after_all_the_next_step_does_not_wait(
    world: World,
) -> None:
    page_id = await paged(world)
    world.mail.judge = lambda message: (
        PermanentFailure("no such mailbox") if message.to == MAIL else silent(message)
    )
    await world.forward(minutes=4)
    assert (to(world, PHONE), to(world, SMS), to(world, MAIL)) == ([0], [1], [2])
    await receipt(world, page_id, "sms", ReceiptKind.UNDELIVERED)
    assert await world.rows("SELECT step FROM oncall.pages") == [(0,)]
    await receipt(world, page_id, "ntfy", ReceiptKind.UNDELIVERED)
    assert await world.rows("SELECT step FROM oncall.pages") == [(1,)]
    assert to(world, PHONE) == [0, 4]


async def test_who_has_answered_is_told_nothing_more_for_want_of_a_receipt(
    world: World,
) -> None:
    page_id = await paged(world)
    await do(world, lambda unit: oncall.acknowledge(unit, page_id, channel="API"))
    await world.forward(minutes=5)
    assert (to(world, SMS), to(world, MAIL)) == ([], [])


async def test_of_pages_that_left_as_one_message_none_is_forgotten(world: World) -> None:
    await paged(world)
    for service in ("b", "c"):
        await fire(world, team="rules", service=service)
    await world.forward(minutes=1)
    assert to(world, PHONE) == [0, 1]
    await world.forward(minutes=2.1)
    subjects = [one.subject.partition("]")[0] for _, one in world.mail.sent if one.to == SMS]
    assert subjects == ["[INC-1", "[INC-2", "[INC-3"]
    assert to(world, SMS) == [1, 2, 3]  # no phone rings twice within a minute
    assert to(world, BOSS) == []
