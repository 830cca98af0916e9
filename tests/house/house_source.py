"""What the house tests read: the tracked files and the parsed modules of the package."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "tocsin"
OTHER_FLOORS = {"app", "web", "cli", "flows", "integrations", "kernel", "migrations"}
CONTEXTS = tuple(
    path.name
    for path in sorted(PACKAGE.iterdir())
    if path.is_dir() and path.name not in OTHER_FLOORS and (path / "__init__.py").exists()
)
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Module(Struct, frozen=True, kw_only=True):
    """One Python file; `name` is its path below the repository."""

    path: Path
    name: str
    text: str
    tree: ast.Module

    @property
    def context(self) -> str | None:
        """The context it belongs to, if any."""
        if not self.path.is_relative_to(PACKAGE):
            return None
        first = self.path.relative_to(PACKAGE).parts[0]
        return first if first in CONTEXTS else None

    @property
    def role(self) -> str:
        """What it is inside its context: `actions`, `store`, `core`, …"""
        return self.path.relative_to(PACKAGE).with_suffix("").parts[1]

    def functions(self) -> Iterator[Function]:
        """Every function and method in it."""
        for node in ast.walk(self.tree):
            if isinstance(node, Function):
                yield node

    def line(self, number: int) -> str:
        """One line of it, counted from 1."""
        return self.text.splitlines()[number - 1]


@cache
def modules(*tops: str) -> tuple[Module, ...]:
    """Parse every Python file below these folders, `src` by default."""
    return tuple(
        _parsed(path)
        for top in tops or ("src",)
        for path in sorted((ROOT / top).rglob("*.py"))
        if "node_modules" not in path.parts
    )


@cache
def _parsed(path: Path) -> Module:
    text = path.read_text(encoding="utf-8")
    return Module(path=path, name=str(path.relative_to(ROOT)), text=text, tree=ast.parse(text))


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that is, or would be, committed."""
    git = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(git, cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode == 0:
        names = (ROOT / name for name in done.stdout.split("\0") if name)
        return tuple(path for path in names if path.is_file())
    ignored = re.compile(r"(^|/)(\.[a-z]\w*|node_modules|__pycache__|static|site|dist)/")
    found = (path for path in sorted(ROOT.rglob("*")) if path.is_file())
    return tuple(p for p in found if not ignored.search(str(p.relative_to(ROOT))))


def strings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every string in a module that is not a docstring, with its line."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | Function)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in docstrings:
            continue
        if isinstance(node.value, str):
            yield node.lineno, node.value
