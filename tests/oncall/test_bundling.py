"""Which messages ring a phone, and which leave together with the next one; pure."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest
from msgspec.structs import replace
from page_world import NOON

from tocsin.kernel.ids import NotificationId, PageId, PersonId
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core.bundle_text import Item, compose_bundle
from tocsin.oncall.core.bundling import WINDOW, Fold, Gather, Leave, Told, decide
from tocsin.oncall.model import Brief, MethodKind, Notification, NotificationState

SPACE = UUID("00000000-0000-7000-8000-000000000000")
MINE = Notification(
    id=NotificationId(uuid5(SPACE, "mine")), page_id=PageId(uuid5(SPACE, "page")), epoch=1,
    loop=0, step=0, catch=0, person_id=PersonId(SPACE), method=0, kind=MethodKind.NTFY,
    queued_at=NOON,
)  # fmt: skip
AGO = NOON - timedelta(seconds=20)


def told(page: str = "another", at: datetime = AGO, **values: Any) -> Told:
    found: dict[str, Any] = {
        "urgency": Urgency.HIGH,
        "state": NotificationState.SENT,
        "epoch": 1,
    } | values
    return Told(
        id=NotificationId(uuid5(SPACE, page + "told")), page_id=PageId(uuid5(SPACE, page)),
        tried_at=at, **found,
    )  # fmt: skip


def test_the_first_page_rings_at_once() -> None:
    assert decide(MINE, [], NOON) == Leave()
    assert decide(MINE, [told(at=NOON - WINDOW)], NOON) == Leave()


def test_a_page_that_follows_within_the_window_leaves_at_its_end() -> None:
    assert decide(MINE, [told()], NOON) == Gather(AGO + WINDOW)


def test_what_has_gathered_once_is_not_held_back_longer() -> None:
    assert decide(replace(MINE, bundle=MINE.id), [told(at=NOON)], NOON) == Leave()


def test_the_first_page_of_high_urgency_does_not_wait_behind_one_of_low() -> None:
    assert decide(MINE, [told(urgency=Urgency.LOW)], NOON) == Leave()
    mine = replace(MINE, urgency=Urgency.LOW)
    assert decide(mine, [told(urgency=Urgency.LOW)], NOON) == Gather(AGO + WINDOW)


@pytest.mark.parametrize(
    ("state", "decision"),
    [
        (NotificationState.SENT, Fold()),
        (NotificationState.SENDING, Fold()),
        (NotificationState.FAILED, Leave()),
    ],
)
def test_two_chains_that_reach_the_same_phone_for_one_page_ring_once(
    state: NotificationState, decision: object
) -> None:
    assert decide(replace(MINE, rule=1), [told("page", state=state)], NOON) == decision
    assert decide(MINE, [told("page", state=state, rule=1)], NOON) == decision


def test_a_step_that_calls_the_same_person_again_rings_again() -> None:
    assert decide(MINE, [told("page")], NOON) == Leave()


def test_what_was_told_before_the_acknowledgement_folds_nothing_of_a_new_epoch() -> None:
    assert decide(replace(MINE, rule=1), [told("page", epoch=0)], NOON) != Fold()


# simple-server PR 2552: a delivery that failed was not scheduled again.
def test_a_retry_waits_for_nobody() -> None:
    assert decide(replace(MINE, attempt_count=1), [told(), told("page")], NOON) == Leave()


def test_one_message_lists_the_pages_with_a_link_for_each_and_one_for_all() -> None:
    items = [
        Item(Brief(number=n, title=f"Fault {n}", summary="", labels={}), f"https://t/a/{n}")
        for n in (1, 2, 3)
    ]
    found = compose_bundle(items, all_url="https://t/a/1?all=x", inbox_url="https://t/inbox")
    assert found.subject == "3 pages: INC-1, INC-2, INC-3"
    for n in (1, 2, 3):
        assert f"INC-{n}: Fault {n}\n  Acknowledge: https://t/a/{n}\n" in found.text
    assert "Acknowledge all 3: https://t/a/1?all=x" in found.text
