"""Somebody is invited, chooses a password without script, and works from browser and terminal."""

import subprocess
import sys
from collections.abc import Callable

import pytest
from real_browser import AXE, DESKTOP, MOBILE, NEEDS_CHROMIUM, Person
from real_tocsin import Tocsin

pytestmark = [pytest.mark.journey, pytest.mark.peer, pytest.mark.slow, NEEDS_CHROMIUM]
GOOD = "seven green parrots"
PEOPLE = """
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
kind: Team
metadata: {name: payments}
spec:
  displayName: Payments
  description: Owns the checkout and what it needs.
  members: [{person: maya, role: manager}, {person: jonas}]
"""


def choose(one: Person, link: str) -> None:
    """Open an invitation and choose GOOD."""
    one.page.goto(link)
    one.page.fill("#password", GOOD)
    one.page.fill("#again", GOOD)
    one.page.click("#set-password")
    one.page.wait_for_selector("h1")


def command(tocsin: Tocsin, *words: str, given: str | None = None) -> str:
    """Run a command as on somebody's laptop: another home, and no database."""
    home = str(tocsin.home / "laptop")
    environ = {"HOME": home, "PATH": "/usr/bin:/bin", "COLUMNS": "160"}
    done = subprocess.run(
        [sys.executable, "-m", "tocsin", *words],
        env=environ, input=given, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_from_an_invitation_to_a_terminal(
    tocsin: Tocsin, person: Callable[..., Person]
) -> None:
    tocsin.cli("apply", "-f", "-", given=PEOPLE)
    link = tocsin.cli("person", "invite", "maya", "--role", "admin")
    without_script = person(MOBILE, script=False)
    choose(without_script, link)
    without_script.page.goto(f"{tocsin.url}/account")
    assert "this one" in without_script.page.content()
    said = command(tocsin, "login", tocsin.url, "--name", "maya@example.org", given=GOOD + "\n")
    assert "as Maya Okafor (admin)" in said
    kept = tocsin.home / "laptop/.config/tocsin/config.toml"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert GOOD not in kept.read_text()
    assert '"person": "Maya Okafor"' in command(tocsin, "whoami")
    assert "/sign-in/" in command(tocsin, "person", "invite", "jonas", "--role", "viewer")
    assert "revoked" in command(tocsin, "logout")
    assert not kept.exists()


@pytest.mark.parametrize(("size", "scheme"), [(MOBILE, "dark"), (DESKTOP, "light")])
def test_the_screens_of_access_are_accessible_quiet_and_fit(
    tocsin: Tocsin, person: Callable[..., Person], size: tuple[int, int], scheme: str
) -> None:
    tocsin.cli("apply", "-f", "-", given=PEOPLE)
    tocsin.cli("token", "create", f"bot-{scheme}", "--role", "responder", "--team", "payments")
    link = tocsin.cli("link")
    one = person(size, scheme=scheme)
    flaws = look(one, "sign-in", f"{tocsin.url}/sign-in")
    flaws += look(one, "choose", tocsin.cli("person", "invite", "jonas", "--role", "viewer"))
    one.sign_in(link)
    for path in ("/people", "/people/jonas", "/tokens", "/account"):
        flaws += look(one, path, tocsin.url + path)
    assert not flaws, "\n".join(flaws)


def look(one: Person, name: str, url: str) -> list[str]:
    """Open a page and return what is wrong with it."""
    one.page.goto(url)
    if one.page.locator("tc-live").count():
        one.page.wait_for_selector("tc-live[data-state=live]")
    found = [*one.noise, *(one.barriers() if AXE.exists() else [])]
    found += ["scrolls sideways"] * one.scrolls_sideways()
    one.noise.clear()
    return [f"{name}: {flaw}" for flaw in found]
