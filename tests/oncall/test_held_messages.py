"""What an urgent step of a quiet page has still to say is said while the page waits for its hours."""

from datetime import timedelta

import pytest
from climbing_world import (
    NIGHT,
    OFFICE,
    calls,
    ended,
    ladder,
    low,
    of,
    person,
    row,
)
from msgspec.structs import replace
from paging_world import PEOPLE, STATES, do, fire, to

from fakes.world import World
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall import actions as oncall
from tocsin.oncall.core import effects, inputs
from tocsin.oncall.core.fence import silenced
from tocsin.oncall.core.page import step
from tocsin.oncall.model import NotificationState, Page, PageState, Rule

ANA = person("ana", high=(Rule(0, 0), Rule(120, 1)))


def held() -> tuple[Page, list[effects.Notify]]:
    """Call an urgent step at night, and then let the next one be held for support hours."""
    steps = [calls("ana", urgency=Urgency.HIGH), calls("ben")]
    rungs = ladder([ANA, person("ben")], steps, NIGHT, support_hours=OFFICE)
    first, found = step(low(), inputs.Trigger(rungs), NIGHT)
    page, _ = step(first, inputs.StepDue(1, rungs), NIGHT + timedelta(minutes=1))
    assert page.state is PageState.HELD
    return page, [one for one in found if isinstance(one, effects.Notify)]


def test_an_urgent_message_is_not_silenced_by_a_page_that_waits_for_its_hours() -> None:
    page, orders = held()
    urgent = row(orders[1])
    assert silenced(page, urgent) is None
    assert silenced(page, replace(urgent, urgency=Urgency.LOW)) is effects.StaleReason.HELD
    assert silenced(page, replace(urgent, epoch=0)) is not None
    taken, _ = step(page, inputs.Acknowledge(None, 0), NIGHT)
    assert silenced(taken, urgent) is effects.StaleReason.ACKNOWLEDGED


def test_it_is_followed_by_the_next_method_and_no_timer_is_looked_for() -> None:
    page, orders = held()
    first, second = [row(one) for one in orders]
    first = replace(first, state=NotificationState.FAILED)
    found = step(page, ended(ANA, second, [first, second]), NIGHT + timedelta(minutes=2))
    [notify] = of(found, effects.Notify)
    third = replace(row(notify), rule=1)
    second = replace(second, state=NotificationState.FAILED)
    last = step(page, ended(ANA, third, [first, second, third]), NIGHT + timedelta(minutes=3))
    assert of(last, effects.PersonUnreachable)
    assert not of(last, effects.PullForward)
    assert last[0] == page


MIXED = """
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: office}
spec:
  steps:
    - {targets: [{person: nora}], timeout: 1m, urgency: high}
    - {targets: [{person: jonas}], timeout: 10m}
  catchAll: [{person: boss}]
  supportHours: [{weekdays: [mon, tue, wed, thu, fri], from: "09:00", to: "17:00", timezone: UTC}]
"""
PHONE = "+491700000001"


@pytest.mark.db
async def test_the_delayed_message_of_an_urgent_step_is_sent_though_the_page_is_held(
    world: World,
) -> None:
    await world.apply(PEOPLE)
    await world.apply(MIXED)
    await world.forward(hours=6)  # Friday 18:00
    page_id = await fire(world, severity="low")
    await world.forward(minutes=1)
    assert await world.rows(STATES) == [("held",)]
    await world.forward(minutes=2)
    assert to(world, PHONE) == [362]
    assert await world.rows("SELECT DISTINCT state FROM oncall.notifications") == [("sent",)]
    await do(world, lambda unit: oncall.acknowledge(unit, page_id, channel="API"))
    assert await world.rows(STATES) == [("acknowledged",)]


@pytest.mark.db
async def test_a_page_that_waits_for_hours_looks_again_when_they_are_others(
    world: World,
) -> None:
    await world.apply(PEOPLE)
    await world.forward(hours=6)  # Friday 18:00
    await fire(world, severity="low")
    assert await world.rows(STATES) == [("held",)]
    new = (
        "apiVersion: tocsin/v1\nkind: Person\nmetadata: {name: new}\nspec: {displayName: New}\n"
    )
    await world.apply(new)
    await world.settle()
    assert "oncall.page_hold_ended" not in await world.story()
    office = next(one for one in PEOPLE.split("---") if "name: office" in one)
    longer = office.replace("17:00", "19:00")
    await world.apply(longer.replace("mon, ", ""))  # not on Fridays only: it is open now
    await world.settle()
    assert await world.rows(STATES) == [("triggered",)]
