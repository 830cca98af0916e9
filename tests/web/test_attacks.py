"""What somebody who means harm would send: each is answered, and gains nothing."""

from datetime import timedelta
from typing import Any

import pytest
from pages_world import browser, fire, proof

from fakes.world import NOON, World, running
from tocsin.kernel.access import Role

pytestmark = pytest.mark.db
LATER = NOON + timedelta(hours=5)
DEEP = b"[" * 100_000
HOSTILE = (
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "data:text/html,x",
    "vbscript:x", "//evil.test", 'https://ok.test/"onmouseover="x',
)  # fmt: skip


@pytest.mark.parametrize(
    ("path", "type_"),
    [
        ("/api/v2/alerts", "application/json"),
        ("/v2/enqueue", "application/json"),
        ("/v2/change/enqueue", "application/json"),
        ("/webhook", "application/json"),
        ("/api/v1/resources/apply", "application/json"),
        ("/api/v1/incidents", "application/json"),
        ("/api/v1/integrations/try", "application/json"),
        ("/api/v1/routes/try", "application/json"),
        ("/api/v1/login", "application/json"),
    ],
)
async def test_what_is_nested_without_end_is_the_senders_mistake(
    world: World, path: str, type_: str
) -> None:
    for body in (DEEP, b'{"a":' * 100_000, b'{"documents":[{"spec":{"a":' + DEEP):
        answer = await world.http.post(
            path, content=body, headers=world.bearer | {"content-type": type_}
        )
        assert 400 <= answer.status_code < 500, (body[:30], answer.text[:300])


async def test_yaml_that_unfolds_is_refused_before_it_does(world: World) -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
    )
    merge = "a0: &a0 {k: v}\n" + "".join(
        f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 12)
    )
    loop = "a: &a [*a]\n"
    async with browser(world, Role.MANAGER) as client:
        form = await _form(client)
        for text in (bomb, merge, loop, "[" * 5000, "a: " + "9" * 200_000):
            shown = await client.post(
                "/resources/new", data={**form, "text": text, "do": "preview"}
            )
            assert shown.status_code in (413, 422), text[:40]


async def _form(client: Any) -> dict[str, str]:
    return proof(await client.get("/account"))


@pytest.mark.parametrize("url", HOSTILE)
async def test_an_address_from_outside_becomes_no_link_that_acts(
    world: World, url: str
) -> None:
    """From an alert, and from a change event, wherever screens show them."""
    labels = {"alertname": "Down", "service": "checkout", "severity": "critical", "x": url}
    for source in (url, ""):  # what is no URL at all is refused
        await world.post(
            [{"labels": labels, "generatorURL": source, "endsAt": LATER.isoformat(),
              "annotations": {"runbook_url": url, "dashboard": url, "summary": url}}]
        )  # fmt: skip
    token = await world.make_token("ci", Role.INTEGRATION)
    change = {
        "routing_key": token,
        "payload": {"summary": "Deployed", "source": "ci", "timestamp": NOON.isoformat(),
                    "custom_details": {"service": "checkout"}},
        "links": [{"href": url, "text": "Build"}],
    }  # fmt: skip
    await world.http.post("/v2/change/enqueue", json=change)
    await world.settle()
    [(alert_id,)] = await world.rows("SELECT id FROM triage.alerts")
    async with browser(world, Role.MANAGER) as client:
        for path in ("/", "/incidents/INC-1", f"/alerts/{alert_id}", f"/alerts?alert={alert_id}",
                     "/changes", "/services", "/search?q=Down"):  # fmt: skip
            page = (await client.get(path)).text.lower()
            for start in ("javascript", " javascript", "data:", "vbscript", "//evil"):
                assert f'href="{start}' not in page, path
            assert '"onmouseover="' not in page, path


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "https://a.test/\r\nx: y", "//evil.test"]
)
async def test_a_link_that_acts_is_not_taken(world: World, url: str) -> None:
    await fire(world)
    answer = await world.http.post(
        "/api/v1/incidents/INC-1/links", json={"url": url}, headers=world.bearer
    )
    assert answer.status_code == 422, answer.text


async def test_a_title_with_line_breaks_becomes_no_header(world: World) -> None:
    labels = {"alertname": "A\r\nBcc: all@x.test\r\n\r\nbody", "severity": "critical"}
    await world.signal(labels, ends_at=LATER, summary="x\r\nBcc: all@x.test")
    await world.settle()
    [_, sent] = world.mail.sent[-1]
    assert "\n" not in sent.subject
    assert "\r" not in sent.subject
    assert not [line for line in sent.text.splitlines() if line.startswith("Bcc:")]


async def test_every_page_forbids_what_it_does_not_need(world: World) -> None:
    async with browser(world, Role.MANAGER) as client:
        for path in ("/", "/sign-in", "/nowhere", "/api/v1/me", "/static/nothing.js"):
            headers = (await client.get(path)).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy, path
            assert "script-src 'self';" in policy, path
            assert "unsafe-eval" not in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] in ("same-origin", "no-referrer")


async def test_intake_says_as_much_of_itself(world: World) -> None:
    answer = await world.http.get("/api/v2/status", headers=world.bearer)
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/sign-in", "/a/x", "/sign-in/x"])
async def test_nothing_that_signs_in_is_framed_kept_or_told_on(world: World, path: str) -> None:
    headers = (await world.http.get(path)).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


async def test_the_cookie_is_out_of_reach_of_script_and_of_other_sites(dsn: str) -> None:
    async with running(dsn, url="https://tocsin.example.org") as world:
        link = await world.app.sign_in_link(Role.VIEWER, None)
        answer = await world.http.post(link[link.index("/sign-in/") :])
        cookie = answer.headers["set-cookie"].lower()
        for word in ("httponly", "secure", "samesite=lax", "path=/"):
            assert word in cookie
        assert "domain=" not in cookie
