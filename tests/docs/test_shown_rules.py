"""The alerting rules that the documentation shows are what Prometheus takes."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

HOWTO = Path(__file__).parents[2] / "docs" / "howto"
PROMTOOL = shutil.which("promtool")
pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(
        PROMTOOL is None, reason="the Debian package prometheus is not installed"
    ),
]


def test_the_alerting_rules_of_the_pages_are_rules(tmp_path: Path) -> None:
    pages = "\n".join(page.read_text(encoding="utf-8") for page in sorted(HOWTO.glob("*.md")))
    shown = re.findall(r"```yaml\n(groups:\n.*?)```", pages, re.DOTALL)
    assert shown
    for number, rules in enumerate(shown):
        file = tmp_path / f"{number}.yml"
        file.write_text(rules, encoding="utf-8")
        done = subprocess.run(
            [str(PROMTOOL), "check", "rules", str(file)], check=False, capture_output=True
        )
        assert done.returncode == 0, done.stderr.decode()
