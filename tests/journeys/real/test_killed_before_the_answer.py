"""The server is killed between page and answer: what was promised is kept by the next one."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from real_browser import MOBILE, NEEDS_CHROMIUM, Person
from real_tocsin import Tocsin, eventually, link_in

pytestmark = [pytest.mark.journey, pytest.mark.peer, pytest.mark.slow, NEEDS_CHROMIUM]

FIRE = {"alertname": "OrdersLost", "service": "orders", "severity": "critical"}
LATE = {"alertname": "DiskFills", "service": "orders-db", "severity": "info"}
CONFIG = """
apiVersion: tocsin/v1
kind: Person
metadata: {name: maya}
spec: {displayName: Maya Okafor, contact: [{type: email, address: maya@example.org}]}
---
apiVersion: tocsin/v1
kind: Person
metadata: {name: jonas}
spec: {displayName: Jonas Weber, contact: [{type: email, address: jonas@example.org}]}
---
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: default}
spec:
  steps:
    - {targets: [{person: maya}], timeout: 2s}
    - {targets: [{person: jonas}], timeout: 10m}
  catchAll: [{person: maya}]
"""


def test_a_server_killed_before_the_answer_loses_neither_alert_nor_step_nor_link(
    tocsin: Tocsin, person: Callable[..., Person]
) -> None:
    tocsin.cli("apply", "-f", "-", given=CONFIG)
    admin = tocsin.cli("token", "create", "journey", "--role", "admin")
    tocsin.fire(admin, FIRE)
    link = link_in(tocsin.mail_to("maya@example.org"))
    eventually(lambda: _first_call(tocsin, admin) == "sent", "the first call on record")
    tocsin.fire(admin, LATE)
    tocsin.kill()  # what was just answered with 200 stands in the database, sorted or not
    tocsin.start()

    # the step that fell due meanwhile is called, by what stood in the database
    tocsin.mail_to("jonas@example.org")
    maya = person(MOBILE)
    maya.page.goto(link)
    maya.page.click("#acknowledge")
    expect(maya.page.get_by_role("status")).to_contain_text("You acknowledged INC-1")

    page = tocsin.page_of("INC-1", admin)
    assert (page["state"], page["acknowledged_by"]["name"]) == ("acknowledged", "Maya Okafor")
    called = [one["person"]["name"] for one in page["notifications"]]
    assert called == ["Maya Okafor", "Jonas Weber"]
    assert len(tocsin.mails_to("maya@example.org")) == 1  # nothing is sent twice
    assert [one["title"] for one in tocsin.incidents(admin, 2)] == [
        "OrdersLost on orders",
        "DiskFills on orders-db",
    ]
    alerts = tocsin.get("/alerts", admin)["items"]
    assert sorted((one["name"], one["seen_count"]) for one in alerts) == [
        ("DiskFills", 1),
        ("OrdersLost", 1),
    ]


def _first_call(tocsin: Tocsin, admin: str) -> str:
    """Return how far the first message of the page is."""
    state: str = tocsin.page_of("INC-1", admin)["notifications"][0]["state"]
    return state
