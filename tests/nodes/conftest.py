"""Two nodes are killed with the same clients, mail and audit as one."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "kill"))


@pytest.fixture
def at_length(pytestconfig: pytest.Config) -> None:
    """Skip what takes too long for the suite, which gives one blow."""
    if int(pytestconfig.getoption("--blows")) < 3:
        pytest.skip("`make proof ARGS=nodes` runs it: --blows=3 or more")
