"""What deploy/ tells an operator to set and to ask exists: settings, paths, commands, files."""

import re
from pathlib import Path

import pytest
import yaml
from house_source import PACKAGE, ROOT
from msgspec.structs import fields

from tocsin.cli.main import cli
from tocsin.kernel.settings import PREFIX, SECRETS, Settings, load

DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "tocsin"
KNOWN = {PREFIX + one.name.upper() for one in fields(Settings)} | {
    f"{PREFIX}{name.upper()}_FILE" for name in SECRETS
}
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_every_setting_that_is_named_exists(path: Path) -> None:
    named = set(re.findall(r"\bTOCSIN_[A-Z_]+\b", path.read_text("utf-8")))
    assert named <= KNOWN, sorted(named - KNOWN)


def test_the_settings_of_the_unit_can_be_read() -> None:
    lines = (DEPLOY / "systemd" / "tocsin.env").read_text("utf-8").splitlines()
    given = dict(
        line.lstrip("#").split("=", 1) for line in lines if re.match(r"#?TOCSIN_", line)
    )
    assert len(given) > 4
    assert load(given).url == "https://tocsin.example.org"


def test_every_health_path_that_is_asked_exists() -> None:
    source = (PACKAGE / "web" / "api" / "health.py").read_text("utf-8")
    asked = {
        found for path in FILES for found in re.findall(r"/health/\w+", path.read_text("utf-8"))
    }
    assert asked >= {"/health/live", "/health/started"}
    assert asked <= set(re.findall(r'@get\("(/health/\w+)"', source))


def test_every_command_that_is_started_exists() -> None:
    text = "\n".join(path.read_text("utf-8") for path in FILES)
    started = set(re.findall(r"(?:bin|--|\d) ?/?tocsin (\w[\w-]*)(?=[ \n])", text))
    assert started >= {"serve", "sentinel", "link"}
    assert started <= set(cli.commands)


def test_every_value_that_a_template_uses_has_a_default_that_is_documented() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    used = {
        found
        for path in (CHART / "templates").iterdir()
        for found in re.findall(r"\.Values\.([\w.]+)", path.read_text("utf-8"))
    }
    for name in used:
        place = values
        for part in name.split("."):
            assert part in place, f".Values.{name} is not in values.yaml"
            place = place[part]
    assert {name.split(".")[0] for name in used} == set(values)


def test_the_chart_has_the_version_of_the_package() -> None:
    import tocsin

    about = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    assert about["version"] == about["appVersion"] == tocsin.__version__
