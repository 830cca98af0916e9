"""Sorts the suite by what each test needs, and says at its end what has grown long."""

import pytest
from house_sizes import FILE_LINES_AIM, FUNCTION_LINES_AIM, long_files, long_functions
from house_source import modules


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark whatever asks for a database, so that `make check` cannot wait for one by mistake."""
    for item in items:
        if "cluster" in getattr(item, "fixturenames", ()):
            item.add_marker("db")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report, and leave the judgement to people."""
    long = [
        *long_files(modules(), FILE_LINES_AIM),
        *long_functions(modules(), FUNCTION_LINES_AIM),
    ]
    if long:
        terminalreporter.section("longer than the house likes")
        terminalreporter.write_line("\n".join(long))
