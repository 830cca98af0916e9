"""What must not drift: texts that are compared letter by letter with the files in this folder.

`.venv/bin/pytest tests/golden --update` writes them anew; look at the difference before you
commit it. `events.jsonl` only grows: a line that was once recorded is decoded for ever.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent

Golden = Callable[[str, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--update`."""
    parser.addoption("--update", action="store_true", help="write golden files anew")


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Say whether files are to be written."""
    return bool(request.config.getoption("--update", default=False))


@pytest.fixture
def golden(update: bool) -> Golden:
    """Compare a text with a golden file, or write it."""

    def compare(name: str, text: str) -> None:
        path = HERE / name
        if update:
            path.write_text(text, encoding="utf-8")
        wanted = path.read_text(encoding="utf-8") if path.exists() else ""
        assert text == wanted, f"{name} has changed: run pytest tests/golden --update"

    return compare
