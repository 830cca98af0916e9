"""YAML, read and written; of what is read it is known on which line each value stands.

By the rules of YAML 1.2: `on` is a word, `12:30` is text, a date stays as it is written.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import yaml
from msgspec import Struct
from typing_extensions import override

from tocsin.kernel.errors import Invalid, TooLarge
from tocsin.kernel.resources.model import Document

DEPTH_MAX = 40
NODES_MAX = 200_000  # counted with every alias followed, as JSON would write it
WIDTH = 92
CURES = {
    "metadata.name": "write lower case, digits and dashes, at most 63",
    "metadata.effectiveFrom": "write an instant with its offset, e.g. 2026-03-30T09:00:00+02:00",
}
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_AT = re.compile(r"at `\$([^`]*)`")
_UNKNOWN = re.compile(r"unknown field `([^`]+)`")


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {}  # noqa: RUF012 - PyYAML's way to have resolvers of one's own


class _Dumper(yaml.SafeDumper):
    """Quotes what YAML 1.1 or 1.2 would not read back as text."""

    @override
    def ignore_aliases(self, data: Any) -> bool:
        """Write equal values out each time."""
        return True


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ("~", "n", "N", "")),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("merge", r"<<", "<"),
):  # fmt: skip
    for _kind in (_Loader, _Dumper):
        _kind.add_implicit_resolver(
            f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first)
        )


class Placed(Struct, frozen=True, kw_only=True):
    """A document and where it stands."""

    file: str
    node: yaml.Node
    document: Document

    @property
    def name(self) -> str:
        """What errors call it."""
        return f"{self.document.kind}/{self.document.metadata.name}"

    def where(self, *paths: str) -> str:
        """Return `file:line` of the value at one of `paths`, or of what is nearest to one.

        A path is e.g. spec.steps[0].timeout.
        """
        _, line = min((_nearest(self.node, path) for path in paths), key=lambda one: one[0])
        return f"{self.file}:{line}"


def parse(file: str, text: str) -> list[Placed]:
    """Read the documents of one text. Raises Invalid, naming file, line, field and cure."""
    try:
        loader = _Loader(text)
    except yaml.YAMLError as error:
        raise Invalid(f"{file}: {error}") from error
    found = []
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is None:
                break
            _check(file, node)
            value = loader.construct_document(node)
            if value is not None:
                found.append(_placed(file, node, value))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        words = error.problem or error.context or "cannot be read"
        raise Invalid(f"{file}:{line}: {words}; {_cure(words)}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise Invalid(f"{file}: {error}") from error
    except RecursionError:
        raise Invalid(f"{file}: nested deeper than {DEPTH_MAX} levels") from None
    finally:
        loader.dispose()
    return found


def _cure(words: str) -> str:
    if "\\t" in words:
        return "indent with spaces, not with tabs"
    return "look at the quotes, brackets and indentation there and just above"


def write(documents: Iterable[Document]) -> str:
    """Write documents one after another; reading them gives the same documents."""
    return "---\n".join(
        yaml.dump(
            msgspec.to_builtins(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True,
            width=WIDTH,
        )
        for document in documents
    )  # fmt: skip


def located(detail: str, field: str | None, found: Sequence[Placed]) -> str:
    """Put file and line in front of what the server refused, where it names a document."""
    named = [one for one in found if detail.startswith((f"{one.name}:", f"{one.name} "))]
    if not named:
        return detail
    one = named[-1]
    inner = _inner(detail)
    said = detail.removeprefix(f"{one.name}: ").partition(":")[0]
    path = f"spec.{inner}" if inner else (field or said).removeprefix(f"{one.name}: ")
    return f"{one.where(path, f'spec.{path}')}: {detail}"


def _check(file: str, node: yaml.Node) -> None:
    """Refuse what would unfold without end, and keys that stand twice."""
    waiting = [(node, 0)]
    count = 0
    while waiting:
        one, depth = waiting.pop()
        count += 1
        where = f"{file}:{one.start_mark.line + 1}"
        if depth > DEPTH_MAX:
            raise Invalid(f"{where}: nested deeper than {DEPTH_MAX} levels")
        if count > NODES_MAX:
            raise TooLarge(f"{where}: more than {NODES_MAX} values; cut the document in two")
        if isinstance(one, yaml.SequenceNode):
            waiting += [(child, depth + 1) for child in one.value]
        elif isinstance(one, yaml.MappingNode):
            _refuse_twice(file, one)
            waiting += [(child, depth + 1) for _, child in one.value]


def _refuse_twice(file: str, node: yaml.MappingNode) -> None:
    seen = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
            continue
        if key.value in seen:
            raise Invalid(
                f"{file}:{key.start_mark.line + 1}: {key.value} stands twice; keep one",
                field=key.value,
            )
        seen.add(key.value)


def _placed(file: str, node: yaml.Node, value: object) -> Placed:
    try:
        return Placed(file=file, node=node, document=msgspec.convert(value, Document))
    except msgspec.ValidationError as error:
        path = _inner(str(error))
        reason = str(error).partition(" - at ")[0]
        where = f"{file}:{_nearest(node, path)[1]}"
        cure = CURES.get(path, "a document has apiVersion, kind, metadata.name and spec")
        raise Invalid(
            f"{where}: {path + ': ' if path else ''}{reason}; {cure}", field=path or None
        ) from error


def _inner(words: str) -> str:
    """Return the path that msgspec names in an error, without the root."""
    found = _AT.search(words)
    path = found[1] if found else ""
    if unknown := _UNKNOWN.search(words):
        path += f".{unknown[1]}"
    return path.removeprefix(".")


def _nearest(node: yaml.Node, path: str) -> tuple[int, int]:
    """Return how many steps of `path` do not exist, and the line of the last one that does."""
    line = node.start_mark.line + 1
    steps = _STEP.findall(path)
    for done, (key, index) in enumerate(steps):
        if isinstance(node, yaml.MappingNode) and key:
            pair = next((pair for pair in node.value if pair[0].value == key), None)
            if pair is None:
                return len(steps) - done, line
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and index and int(index) < len(node.value):
            node = node.value[int(index)]
            line = node.start_mark.line + 1
        else:
            return len(steps) - done, line
    return 0, line
