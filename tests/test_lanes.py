"""In lanes every test is run once and reported, whatever becomes of the process that took it."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

TESTS = """
import os
import pytest

def test_passes(): pass

@pytest.mark.skip(reason="for a reason")
def test_skipped(): pass

def test_fails():
    print("it said so")
    assert False

@pytest.mark.slow
@pytest.mark.journey
def test_alone(): assert os.getpid() == {leader}
"""
DIES = """
import os
from pathlib import Path

def test_dies_in_another_process_only():
    if os.getpid() != {leader}:
        Path("died").touch()
        os._exit(3)
    while not Path("died").exists():
        pass
"""
OUTSIDE = """
import os

pytest_plugins = ["lanes"]

def pytest_configure(config):
    config.addinivalue_line("markers", "slow: ")
    config.addinivalue_line("markers", "journey: ")
    os.environ["LEADER"] = str(os.getpid())
"""


def test_every_test_is_run_once_and_reported_by_one(tmp_path: Path) -> None:
    leader = 'int(os.environ["LEADER"])'
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "conftest.py").write_text(OUTSIDE)
    for n in range(4):
        (tmp_path / f"test_{n}.py").write_text(TESTS.format(leader=leader))
        (tmp_path / f"test_dies_{n}.py").write_text(DIES.format(leader=leader))
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--lanes=3", "-ra"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [*command, "-p", "no:schemathesis", "-p", "no:hypothesispytest", "--junit-xml=all.xml"],
        cwd=tmp_path, env=clean | {"PYTHONPATH": str(Path(__file__).parent)},
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    found = Counter(
        f"{case.attrib['name']} {next((child.tag for child in case), 'passed')}"
        for case in ET.parse(tmp_path / "all.xml").iter("testcase")
    )
    lost = found.pop("test_dies_in_another_process_only failure", 0)
    assert 1 <= lost <= 2, done.stdout  # each of the two takes one file with it
    assert found == {
        "test_passes passed": 4,
        "test_skipped skipped": 4,
        "test_fails failure": 4,
        "test_alone passed": 4,
        "test_dies_in_another_process_only passed": 4 - lost,
    }, done.stdout
    assert done.stdout.splitlines().count("it said so") == 4
    assert done.stdout.count(": for a reason") == 4
    assert done.stdout.count("The process that was to run it has ended before") >= lost
