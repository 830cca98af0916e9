"""From a real Prometheus over real mail to a person with a telephone, and back to quiet."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import expect
from real_browser import MOBILE, NEEDS_CHROMIUM, Person
from real_prometheus import AMTOOL, PROMETHEUS, Prometheus, Shop, prometheus
from real_tocsin import Tocsin, eventually, link_in, parsed

pytestmark = [
    pytest.mark.journey,
    pytest.mark.peer,
    pytest.mark.slow,
    NEEDS_CHROMIUM,
    pytest.mark.skipif(
        PROMETHEUS is None, reason="the Debian package prometheus is not installed"
    ),
]

# by both doors of the command line: a folder's file, and standard input
CONFIG = """
apiVersion: tocsin/v1
kind: Person
metadata: {name: maya}
spec: {displayName: Maya Okafor, contact: [{type: email, address: maya@example.org}]}
---
apiVersion: tocsin/v1
kind: Schedule
metadata: {name: shop}
spec:
  timezone: Europe/Berlin
  rotation: {start: "2026-01-05T09:00", every: week, people: [maya]}
---
apiVersion: tocsin/v1
kind: EscalationPolicy
metadata: {name: default}
spec:
  steps: [{targets: [{schedule: shop}], timeout: 5m}]
  catchAll: [{person: maya}]
"""
STORY = [
    "CheckoutErrors on checkout: 1 alert fired (prometheus)",
    "INC-1 declared: CheckoutErrors on checkout",
    "Paging by policy default",
    "Step 1: calling Maya Okafor",
    "Paged Maya Okafor by email",
    "Maya Okafor used the link from a page",
    "Maya Okafor acknowledged by e-mail link",
    "Maya Okafor joined as responder",
    "CheckoutErrors on checkout: ",  # its alert resolved
    "INC-1 resolved: no alert fires any more",
    "Page closed",
]


def test_prometheus_pages_a_person_who_acknowledges_while_another_watches(
    tocsin: Tocsin, person: Callable[..., Person], tmp_path: Path
) -> None:
    config = tmp_path / "shop.yaml"
    config.write_text(CONFIG)
    tocsin.cli("apply", "-f", str(config))
    intake = tocsin.cli("token", "create", "prometheus", "--role", "integration")
    admin = tocsin.cli("token", "create", "journey", "--role", "admin")
    shop, address = Shop(), tocsin.url.removeprefix("http://")
    with (
        shop.open(),
        prometheus(tmp_path, app_port=shop.port, tocsin=address, token=intake) as watching,
    ):
        eventually(watching.is_watching, "the application scraped")
        shop.error_ratio = 0.25
        maya = _paged(tocsin, person, admin)
        watcher = _watcher(tocsin, person)
        _ask_as_a_program(tocsin, admin)
        _acknowledge(maya, watcher)
        shop.error_ratio = 0.0
        _recover(watching, watcher)
    _explain(tocsin, admin)


def _paged(tocsin: Tocsin, person: Callable[..., Person], admin: str) -> Person:
    """Maya's telephone shows the link from her mail, and opening it has not acknowledged."""
    mail = tocsin.mail_to("maya@example.org")
    assert mail["Subject"] == "[INC-1] CheckoutErrors on checkout"
    maya = person(MOBILE)
    maya.page.goto(link_in(mail))
    expect(maya.page.locator("h1")).to_have_text("CheckoutErrors on checkout")
    expect(maya.page.locator("#acknowledge")).to_be_in_viewport()
    page = tocsin.page_of("INC-1", admin)
    assert (page["state"], page["acknowledged_by"]) == ("triggered", None)
    return maya


def _watcher(tocsin: Tocsin, person: Callable[..., Person]) -> Person:
    """Somebody signs in by a link from the command line, and watches the incident."""
    watcher = person()
    watcher.sign_in(tocsin.cli("link"))
    watcher.open_live(f"{tocsin.url}/incidents/INC-1")
    expect(watcher.page.locator("#incident-head #acknowledge")).to_be_visible()
    return watcher


def _ask_as_a_program(tocsin: Tocsin, admin: str) -> None:
    """amtool, which knows only Alertmanager, sees the alert."""
    if AMTOOL is None:
        return
    url = f"{tocsin.url}/integrations/{admin}/"
    done = subprocess.run(
        [AMTOOL, f"--alertmanager.url={url}", "alert", "query", "-o", "json"],
        capture_output=True, text=True, check=False, timeout=20,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (alert,) = parsed(done.stdout)
    assert alert["labels"]["alertname"] == "CheckoutErrors"
    assert alert["status"]["state"] == "active"


def _acknowledge(maya: Person, watcher: Person) -> None:
    maya.page.click("#acknowledge")
    expect(maya.page.get_by_role("status")).to_contain_text("You acknowledged INC-1")
    told = watcher.page.locator("#incident-timeline")
    expect(told).to_contain_text("Maya Okafor acknowledged by e-mail link", timeout=5_000)
    expect(watcher.page.locator("#incident-head .tc-facts")).to_contain_text("Maya Okafor")
    expect(watcher.page.locator("#acknowledge")).to_have_count(0)
    assert watcher.is_same()


def _recover(watching: Prometheus, watcher: Person) -> None:
    eventually(lambda: not watching.alerts(), "Prometheus calls it over")
    head = watcher.page.locator("#incident-head")
    expect(head.locator(".tc-pill", has_text="Resolved")).to_be_visible()
    expect(head.locator("button")).to_have_count(0)
    assert watcher.is_same()


def _explain(tocsin: Tocsin, admin: str) -> None:
    assert _in_order(STORY, tocsin.sentences("INC-1", admin))
    (alert,) = tocsin.get("/alerts?state=all", admin)["items"]
    why = parsed(tocsin.cli("alert", "why", alert["id"], token=admin))
    reasons = {reason["stage"]: reason["decision"] for reason in why["reasons"]}
    assert reasons["score"] == "high, severity=critical"
    assert why["incident"]["reference"] == "INC-1"
    (explained,) = parsed(tocsin.cli("page", "why", "INC-1", token=admin))["pages"]
    assert explained["state"] in ("acknowledged", "resolved")
    assert any("Maya Okafor" in one["words"] for one in explained["because"])
    page = parsed(tocsin.cli("page", "why", explained["id"], token=admin))
    (told,) = page["notifications"]
    assert (told["method"], told["state"]) == ("email", "sent")
    assert page["acknowledged_by"]["name"] == "Maya Okafor"
    assert len(tocsin.mails_to("maya@example.org")) == 1


def _in_order(wanted: Sequence[str], told: Sequence[str]) -> bool:
    """Say whether each of `wanted` begins a sentence after the one before it."""
    rest = iter(told)
    missing = [one for one in wanted if not any(said.startswith(one) for said in rest)]
    assert not missing, f"{missing} not in this order in {list(told)}"
    return True
