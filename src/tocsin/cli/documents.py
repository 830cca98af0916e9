"""Reads YAML resources and remembers on which line each value stands, so that errors can say it.

YAML is read by the rules of 1.2: `on` is a word, `12:30` is text, a date stays as it is written.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import yaml
from msgspec import Struct

from tocsin.kernel.errors import Invalid, TooLarge
from tocsin.kernel.resources import DOCUMENTS_MAX, Document

FILE_MAX_BYTES = 1024 * 1024
DEPTH_MAX = 40
NODES_MAX = 200_000  # counted with every alias followed, as JSON would write it
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_AT = re.compile(r"at `\$([^`]*)`")
_UNKNOWN = re.compile(r"unknown field `([^`]+)`")


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {}  # noqa: RUF012 - PyYAML's way to have resolvers of one's own


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ("~", "n", "N", "")),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("merge", r"<<", "<"),
):  # fmt: skip
    _Loader.add_implicit_resolver(
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

    def where(self, path: str) -> str:
        """Return `file:line` of the value at `path`, e.g. spec.steps[0].timeout, or near it."""
        return f"{self.file}:{_line(self.node, path)}"


def read(paths: Sequence[Path]) -> list[Placed]:
    """Read files, and all `*.yaml` and `*.yml` below folders. Raises Invalid, TooLarge."""
    found: list[Placed] = []
    for file in (file for path in paths for file in _files(path)):
        found += parse(str(file), _text(file))
        if len(found) > DOCUMENTS_MAX:
            raise TooLarge(f"more than {DOCUMENTS_MAX} documents; apply them in parts")
    if not found:
        raise Invalid(f"there is no document in {', '.join(map(str, paths))}", field="file")
    return found


def parse(file: str, text: str) -> list[Placed]:
    """Read the documents of one text. Raises Invalid, naming file, line, field and cure."""
    loader = _Loader(text)
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
        raise Invalid(f"{file}:{line}: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise Invalid(f"{file}: {error}") from error
    except RecursionError:
        raise Invalid(f"{file}: nested deeper than {DEPTH_MAX} levels") from None
    finally:
        loader.dispose()
    return found


def located(detail: str, field: str | None, found: Sequence[Placed]) -> str:
    """Put file and line in front of what the server refused, where it names a document."""
    named = [one for one in found if detail.startswith((f"{one.name}:", f"{one.name} "))]
    if not named:
        return detail
    one = named[-1]
    inner = _inner(detail)
    said = detail.removeprefix(f"{one.name}: ").partition(":")[0]
    path = f"spec.{inner}" if inner else (field or said).removeprefix(f"{one.name}: ")
    return f"{one.where(path)}: {detail}"


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    yield from sorted(
        file for file in path.rglob("*") if file.suffix in (".yaml", ".yml") and file.is_file()
    )


def _text(file: Path) -> str:
    try:
        if str(file) == "-":
            import sys

            text = sys.stdin.read(FILE_MAX_BYTES + 1)
        else:
            with file.open(encoding="utf-8") as opened:
                text = opened.read(FILE_MAX_BYTES + 1)
    except OSError as error:
        raise Invalid(f"cannot read {file}: {error.strerror}", field="file") from error
    except UnicodeDecodeError as error:
        raise Invalid(f"{file}: is not UTF-8 text", field="file") from error
    if len(text) > FILE_MAX_BYTES:
        raise TooLarge(f"{file}: larger than {FILE_MAX_BYTES} bytes; cut it into several files")
    return text


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
        if key.value == "<<" or not isinstance(key, yaml.ScalarNode):
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
        where = f"{file}:{_line(node, path)}"
        raise Invalid(
            f"{where}: {path + ': ' if path else ''}{reason};"
            " a document has apiVersion, kind, metadata.name and spec",
            field=path or None,
        ) from error


def _inner(words: str) -> str:
    """Return the path that msgspec names in an error, without the root."""
    found = _AT.search(words)
    path = found[1] if found else ""
    if unknown := _UNKNOWN.search(words):
        path += f".{unknown[1]}"
    return path.removeprefix(".")


def _line(node: yaml.Node, path: str) -> int:
    """Return the line of the value at `path`, or of the nearest thing around it that exists."""
    line = node.start_mark.line + 1
    for key, index in _STEP.findall(path):
        if isinstance(node, yaml.MappingNode) and key:
            pair = next((pair for pair in node.value if pair[0].value == key), None)
            if pair is None:
                return line
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and index and int(index) < len(node.value):
            node = node.value[int(index)]
            line = node.start_mark.line + 1
        else:
            return line
    return line
