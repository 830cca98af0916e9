"""Lighthouse finds nothing against any screen: accessibility, best practices, SEO are 100."""

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from real_tocsin import Tocsin, eventually

LIGHTHOUSE = runpy.run_path(str(Path(__file__).parents[3] / "bench" / "_lighthouse.py"))
ACME = Path(__file__).parents[3] / "examples" / "acme"
CATEGORIES = ["accessibility", "best-practices", "seo"]
SCREENS = (
    "/", "/incidents", "/incidents/INC-1", "/alerts", "/oncall", "/services", "/policies",
    "/resources/new", "/integrations", "/people", "/tokens", "/resources", "/inbox", "/account",
    "/search?q=error", "/declare", "/ui-kit",
)  # fmt: skip
PUBLIC = ("/sign-in", "/api/v1/docs")

pytestmark = [
    pytest.mark.journey,
    pytest.mark.peer,
    pytest.mark.slow,
    pytest.mark.skipif(
        not LIGHTHOUSE["is_installed"](),
        reason="npm ci --prefix bench/lighthouse, and chromium",
    ),
]


@pytest.fixture(scope="module")
def troubled(tocsin: Tocsin) -> Iterator[tuple[Tocsin, str]]:
    """A server with an incident, and the cookie of somebody who may see everything."""
    tocsin.cli("apply", "-f", str(ACME))
    token = tocsin.cli("token", "create", "lighthouse", "--role", "admin")
    labels = {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"}
    tocsin.fire(token, labels, summary="Every fourth order fails.")
    eventually(lambda: tocsin.incidents(token, 1), "an incident")
    url = tocsin.post("/links/sign-in", token, {})["url"]
    with httpx.Client() as client:
        client.post(url, headers={"accept": "text/html"})
        yield tocsin, "; ".join(f"{name}={value}" for name, value in client.cookies.items())


@pytest.mark.parametrize("path", [*SCREENS, *PUBLIC])
def test_nothing_is_found_against_a_screen(
    request: pytest.FixtureRequest, troubled: tuple[Tocsin, str], path: str
) -> None:
    if not request.config.getoption("--lighthouse"):
        pytest.skip("make proof looks at every screen with Lighthouse")
    tocsin, cookie = troubled
    shown = httpx.get(tocsin.url + path, headers={"accept": "text/html", "cookie": cookie})
    assert shown.status_code == 200, f"{path} answers {shown.status_code}"
    found: dict[str, Any] = LIGHTHOUSE["audit"](
        tocsin.url + path, cookie="" if path in PUBLIC else cookie, categories=CATEGORIES
    )
    assert found["final_url"].removeprefix(tocsin.url) == path
    assert set(found["scores"].values()) == {100}, f"{path}: {found['scores']} {found['flaws']}"
