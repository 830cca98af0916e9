"""What the pages tell a reader to type, to set and to open is there."""

import json
import pkgutil
import re
import shlex
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import click
import pytest
from house_source import ROOT, tracked

from tocsin.cli.main import cli
from tocsin.kernel import metrics
from tocsin.kernel.settings import FOREIGN, Settings

# decisions and proofs tell of their day; the reference is generated
TIMELESS = ("docs/adr/", "docs/proof/", "docs/reference/")
FENCE = re.compile(r"^```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
SHELLS = {"text", "console", "shell", "sh", "bash"}
# at the beginning of a line, behind variables, or in $(…)
STARTS = re.compile(
    r"(?:^\s*(?:\$ )?(?:\w+=\S+ +)*(?:[\w.]+/bin/)?|\$\((?:[\w.]+/bin/)?)tocsin +(.*)"
)
# INC-12, FILE, [OPTIONS]: a place for the reader's own word
ANYTHING = re.compile(r"[A-Z…\[(|.]")


def _pages() -> list[Path]:
    names = ((path, str(path.relative_to(ROOT))) for path in tracked())
    return [
        path
        for path, name in names
        if path.suffix == ".md" and not name.startswith(TIMELESS) and name != "CHANGELOG.md"
    ]


PAGES = pytest.mark.parametrize(
    "page", [pytest.param(path, id=str(path.relative_to(ROOT))) for path in _pages()]
)


def _commands(text: str) -> Iterator[list[str]]:
    """Find the words after `tocsin` wherever a page shows a command, each as one list."""
    shown = [m["text"] for m in FENCE.finditer(text) if m["language"] in SHELLS]
    spoken = [one for one in INLINE.findall(FENCE.sub("", text)) if one.startswith("tocsin ")]
    for part in [*shown, *spoken]:
        for line in part.replace("\\\n", " ").splitlines():
            for found in STARTS.finditer(line):
                words = re.split(r"\s+[#|>&]|[;)]|\s2>", found[1])[0]
                try:
                    yield shlex.split(words)
                except ValueError:  # an open quotation mark: the rest stands on other lines
                    yield words.split()


def _mistake(words: list[str]) -> str:
    """Say what the command line does not know of this command; "" when it knows everything."""
    command: click.Command = cli
    names = list(words)
    while isinstance(command, click.Group) and names:
        if names[0].startswith("-") or ANYTHING.match(names[0]):
            break
        found = command.get_command(click.Context(command), names[0])
        if found is None:
            return f"{' '.join(words)}: no command {names[0]!r}"
        command, names = getattr(found, "_real", lambda found=found: found)(), names[1:]
    known = {
        option
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    for word in names:
        option = word.partition("=")[0]
        if re.match(r"--?[a-zA-Z]", option) and option not in known | {"--help", "-h"}:
            return f"{' '.join(words)}: no option {option}"
    return ""


@PAGES
def test_every_command_that_a_page_shows_is_one(page: Path) -> None:
    wrong = [_mistake(words) for words in _commands(page.read_text(encoding="utf-8"))]
    assert not any(wrong), "\n".join(filter(None, wrong))


def test_commands_are_found_in_the_pages_and_mistakes_in_the_commands() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in _pages())
    assert len(list(_commands(text))) > 150
    assert _mistake(["apply", "-f", "x", "--prune"]) == ""
    assert "no option" in _mistake(["apply", "--purge"])
    assert "no command" in _mistake(["incident", "acknowledge", "INC-1"])


@PAGES
def test_every_setting_and_metric_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    settings = {f"TOCSIN_{name.upper()}" for name in Settings.__struct_fields__} | FOREIGN
    families = list(metrics.REGISTRY.collect())
    samples = {f"{one.name}_total" if one.type == "counter" else one.name for one in families}
    named = set(re.findall(r"\bTOCSIN_[A-Z][A-Z_]*[A-Z]\b", text))
    lost = {one for one in named if one.removesuffix("_FILE") not in settings}
    told = re.findall(r"\btocsin_[a-z_]+_(?:total|count|seconds|bytes)\b", text)
    lost |= set(told) - samples
    assert not lost, sorted(lost)


def _slugs(page: Path) -> set[str]:
    """Return what `#…` may name on a page: its headings, as the site and GitHub spell them."""
    heads = re.findall(
        r"^#+ +(.+?)\s*$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE
    )
    plain = (re.sub(r"[^\w\s-]", "", head.lower()).strip() for head in heads)
    return {re.sub(r"[\s]+", "-", head) for head in plain}


@PAGES
def test_every_link_to_a_heading_leads_to_one(page: Path) -> None:
    prose = INLINE.sub("", FENCE.sub("", page.read_text(encoding="utf-8")))
    broken = []
    for target in re.findall(r"\]\(([^)\s]*#[^)\s]+)\)", prose):
        name, _, anchor = target.partition("#")
        other = (page.parent / name).resolve() if name else page
        if "://" not in target and anchor not in _slugs(other):
            broken.append(target)
    assert not broken, broken


SETTINGS = "kernel.settings.Settings."
UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
WINDOW = re.compile(
    r"^\| .+ \| (?:every )?([\d.]+)(?: (s|min|h|d)\b)?[^|]* \| `([^`]+)` \|$", re.MULTILINE
)


def _constant(name: str) -> float:
    """Return what `tocsin.NAME` is, in seconds if it is a duration; `[0]` takes one of several."""
    where, _, index = name.rstrip("]").partition("[")
    if where.startswith(SETTINGS):
        found = getattr(Settings(), where.removeprefix(SETTINGS))
    else:
        found = pkgutil.resolve_name(f"tocsin.{where}")
    found = found[int(index)] if index else found
    return found.total_seconds() if isinstance(found, timedelta) else float(found)


def test_every_window_of_the_guarantees_is_as_long_as_the_page_says() -> None:
    text = (ROOT / "docs/explanation/guarantees.md").read_text(encoding="utf-8")
    table = text.partition("## Every window")[2].partition("\n## ")[0]
    windows = WINDOW.findall(table)
    rows = re.findall(r"^\| (?!what |---).*$", table, re.MULTILINE)
    assert len(windows) == len(rows) >= 20, "a row cannot be read"
    wrong = []
    for amount, unit, name in windows:
        real = _constant(name)
        if float(amount) * UNITS.get(unit, 1) != real:
            wrong.append(f"{name} is {real}, the page says {amount} {unit}")
    assert not wrong, "\n".join(wrong)


def _judged() -> Iterator[tuple[str, float]]:
    """Give what each kept measurement was judged by, but for what was none."""
    for line in (ROOT / "docs/proof/bench.jsonl").read_text(encoding="utf-8").splitlines():
        bench = json.loads(line)
        for name, figure in bench["figures"].items():
            if figure["value"]:
                yield f"{bench['name']} {name}", figure["value"]


def test_the_figures_of_the_performance_page_are_those_that_were_measured() -> None:
    page = (ROOT / "docs/explanation/performance.md").read_text(encoding="utf-8")
    figures = {float(one.replace(",", "")) for one in re.findall(r"\d[\d,]*\.?\d*", page)}
    strange = [
        f"{name} {value}"
        for name, value in _judged()
        if (round(value) if value > 1000 else value) not in figures
    ]
    assert not strange, "docs/explanation/performance.md does not tell " + ", ".join(strange)


@pytest.mark.parametrize("folder", ["tutorial", "howto", "explanation"])
def test_every_page_is_on_the_first_page(folder: str) -> None:
    first = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    names = [f"{folder}/{path.name}" for path in sorted((ROOT / "docs" / folder).glob("*.md"))]
    missing = [name for name in names if f"({name}" not in first]
    assert not missing, f"docs/index.md does not lead to {', '.join(missing)}"


def test_every_page_is_in_the_navigation_once() -> None:
    site = (ROOT / "zensical.toml").read_text(encoding="utf-8")
    there = [str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")]
    assert sorted(re.findall(r'"([\w./-]+\.md)"', site)) == sorted(there)
