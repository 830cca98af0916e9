"""Every public noun stands in the glossary: what is configured, typed, logged, allowed, modelled."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable
from enum import StrEnum

import click
import pytest
from house_source import CONTEXTS, ROOT
from msgspec import Struct

from tocsin.app.wiring import KINDS, catalog
from tocsin.cli.main import cli
from tocsin.kernel.access import VERBS, Role

TEXT = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
WORDS = set(re.findall(r"[a-z0-9]+", TEXT.lower()))
# a line of its own, before `: …`
HEADS = {
    word
    for line in re.findall(r"^(\*\*.*)\n: ", TEXT, re.MULTILINE)
    for word in re.findall(r"[a-z]+", line.lower())
}
# words of the language, not of ours
PLAIN = {"by", "person", "new", "made", "kind", "type", "op", "key", "moved", "issued"}


def _camel(name: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z][a-z]+", name)]


def _missing(words: Iterable[str], among: set[str]) -> list[str]:
    return [w for w in words if not {w, w.removesuffix("s"), f"{w}s"} & (among | PLAIN)]


def _modelled(context: str) -> list[type]:
    """Return the classes of a context's model: a module, or a package of them."""
    model = importlib.import_module(f"tocsin.{context}.model")
    parts = pkgutil.iter_modules(getattr(model, "__path__", ()), f"{model.__name__}.")
    modules = [model, *(importlib.import_module(part.name) for part in parts)]
    return [
        one
        for module in modules
        for _, one in inspect.getmembers(module, inspect.isclass)
        if one.__module__ == module.__name__
    ]


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_every_kind_of_resource_is_defined(kind: str) -> None:
    assert not _missing(_camel(kind), HEADS)


@pytest.mark.parametrize(
    "name", [name for name, one in cli.commands.items() if isinstance(one, click.Group)]
)
def test_every_group_of_commands_is_defined(name: str) -> None:
    words = {"oncall": ["on", "call"]}.get(name, name.split("-"))
    assert not _missing(words, HEADS)


def test_the_noun_of_every_event_and_permission_is_in_it() -> None:
    events = {kind.partition(".")[2].split("_")[0] for kind in catalog().by_kind}
    allowed = {verb.partition(":")[0] for verb in VERBS}
    missing = _missing(sorted(events | allowed), WORDS)
    assert not missing, missing


@pytest.mark.parametrize("context", CONTEXTS)
def test_what_a_context_models_is_in_it(context: str) -> None:
    structs = [one for one in _modelled(context) if issubclass(one, Struct)]
    assert len(structs) > 3, "a model that is not seen"
    missing = _missing([word for one in structs for word in _camel(one.__name__)], WORDS)
    assert not missing, missing


def test_every_state_and_role_is_in_it() -> None:
    values = {str(role) for role in Role}
    for context in CONTEXTS:
        for one in _modelled(context):
            if issubclass(one, StrEnum) and re.search(
                r"State$|Status$|^Calling$", one.__name__
            ):
                values |= {str(value) for value in one}
    missing = _missing(sorted(values), WORDS)
    assert not missing, missing
