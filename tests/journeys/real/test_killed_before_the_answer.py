"""The server is killed between page and answer: what was promised is kept by the next one."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from real_browser import MOBILE, Person
from real_tocsin import Tocsin, link_in

pytestmark = [pytest.mark.journey, pytest.mark.peer, pytest.mark.slow]

FIRE = {"alertname": "OrdersLost", "service": "orders", "severity": "critical"}
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
    - {targets: [{person: maya}], timeout: 1s}
    - {targets: [{person: jonas}], timeout: 10m}
  catchAll: [{person: maya}]
"""


def test_a_server_killed_before_the_answer_loses_neither_step_nor_link(
    tocsin: Tocsin, person: Callable[..., Person]
) -> None:
    tocsin.cli("apply", "-f", "-", given=CONFIG)
    admin = tocsin.cli("token", "create", "journey", "--role", "admin")
    tocsin.fire(admin, FIRE)
    link = link_in(tocsin.mail_to("maya@example.org"))
    tocsin.kill()
    tocsin.start()

    # the step that fell due meanwhile is called, by what stood in the database
    tocsin.mail_to("jonas@example.org")
    maya = person(MOBILE)
    maya.page.goto(link)
    maya.page.click("#acknowledge")
    expect(maya.page.get_by_role("status")).to_contain_text("You acknowledged INC-1")

    (incident,) = tocsin.incidents(admin)
    (page,) = tocsin.get(f"/incidents/{incident['reference']}", admin)["pages"]
    (alert,) = tocsin.get("/alerts", admin)["items"]
    assert (page["state"], page["acknowledged_by"]["name"]) == ("acknowledged", "Maya Okafor")
    assert alert["seen_count"] == 1
    assert [one["person"]["name"] for one in page["notifications"]] == [
        "Maya Okafor",
        "Jonas Weber",
    ]
    assert len(tocsin.mails_to("maya@example.org")) == 1  # the first call, never sent twice
