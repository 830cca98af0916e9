"""What left as one message is tried again as one: the same pages, in the same order."""

import pytest
from paging_world import NTFY, PEOPLE, do, fire

from fakes.world import World
from tocsin.kernel.ids import PageId
from tocsin.oncall import actions as oncall
from tocsin.oncall.ports import Outcome, Outgoing, Sent, TransientFailure

pytestmark = pytest.mark.db
PHONE = f"{NTFY}nora"
MEMBERS = """
SELECT n.state, n.attempt_count, n.bundle = l.id
  FROM oncall.notifications n
  JOIN oncall.pages p ON p.id = n.page_id
  CROSS JOIN (SELECT id FROM oncall.notifications WHERE bundle = id) l
 WHERE n.kind = 'ntfy' ORDER BY p.id
"""


class Busy:
    """Refuses every message that tells of several pages, so many times."""

    def __init__(self, times: int) -> None:
        self.left = times

    def judge(self, message: Outgoing) -> Outcome:
        if " pages" not in message.subject or self.left == 0:
            return Sent(message.key)
        self.left -= 1
        return TransientFailure("503")


async def gathered(world: World, busy: Busy, count: int) -> list[PageId]:
    """Tell nora of one page at once, and let `count` more gather for her phone."""
    await world.apply(PEOPLE)
    world.mail.judge = busy.judge
    pages = [await fire(world, team="rules", service=f"s{n}") for n in range(count + 1)]
    await world.forward(seconds=60)
    return pages


def told(world: World) -> list[tuple[str, str]]:
    return [(one.subject, one.key) for _, one in world.mail.sent if one.to == PHONE]


async def test_a_bundle_is_tried_again_with_the_same_pages_in_the_same_order(
    world: World,
) -> None:
    await gathered(world, Busy(2), 4)
    await fire(world, team="rules", service="late")  # while it waits to be tried again
    await world.forward(seconds=30)
    bundles = [one for one in told(world) if " pages" in one[0]]
    assert [one[0] for one in bundles] == ["4 pages: INC-2, INC-3, INC-4, INC-5"] * 3
    assert len({key for _, key in bundles}) == 1
    texts = [one.text for _, one in world.mail.sent if " pages" in one.subject]
    for text in texts:
        found = [text.index(f"INC-{n}: ") for n in (2, 3, 4, 5)]
        assert found == sorted(found)
    states = await world.rows(MEMBERS)
    assert states[1:5] == [("sent", 3, True)] * 4


async def test_where_the_first_page_was_taken_meanwhile_the_others_are_told_all_the_same(
    world: World,
) -> None:
    pages = await gathered(world, Busy(1), 3)
    await do(world, lambda unit: oncall.acknowledge(unit, pages[1], channel="API"))
    await world.forward(seconds=5)
    bundles = [one[0] for one in told(world) if " pages" in one[0]]
    assert bundles == ["3 pages: INC-2, INC-3, INC-4", "2 pages: INC-3, INC-4"]
    assert [row[0] for row in await world.rows(MEMBERS)][1:] == ["suppressed", "sent", "sent"]


async def test_more_than_one_message_holds_leave_in_the_order_in_which_they_came(
    world: World,
) -> None:
    await gathered(world, Busy(1), 24)
    await world.forward(seconds=5)
    bundles = [one[0] for one in told(world) if " pages" in one[0]]
    assert [one.partition(":")[0] for one in bundles] == ["20 pages", "4 pages", "20 pages"]
    assert "INC-2," in bundles[0]
    assert bundles[0] == bundles[2]
    assert "INC-22" in bundles[1]
