"""Real parts: a Tocsin that runs, and Debian's Chromium. Journeys say what they need to be installed."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from real_browser import Person, chromium
from real_tocsin import Tocsin, tocsin_at


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; ends with the module, since its event loop is in the way of asynchronous tests."""
    with chromium() as found:
        yield found


@pytest.fixture
def person(browser: Browser) -> Iterator[Callable[..., Person]]:
    """Open browsers of people; each is quiet and asks nobody else, or the test fails."""
    opened: list[Person] = []

    def open_one(*arguments: Any, **options: Any) -> Person:
        opened.append(Person(browser, *arguments, **options))
        return opened[-1]

    yield open_one
    for one in opened:
        one.context.close()
    assert [one.noise for one in opened if one.noise] == []
    assert [one.foreign() for one in opened if one.foreign()] == []


@pytest.fixture(scope="module")
def tocsin() -> Iterator[Tocsin]:
    """A server on an embedded database of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="tocsin-journey-") as home,
        tocsin_at(Path(home)) as found,
    ):
        yield found
