"""Bodies and headers of `tocsin api` as they are typed."""

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tocsin.kernel.errors import Invalid


def body(file: str | None, words: Sequence[str]) -> bytes | None:
    """Return what is sent: a file, one JSON text, or an object of `name=text`. Raises Invalid."""
    if file is not None and words:
        raise Invalid("give either --file or --data", field="data")
    if file is not None:
        return _content(file)
    if not words:
        return None
    if len(words) == 1 and words[0].startswith("@"):
        return _content(words[0][1:])
    if len(words) == 1 and words[0].lstrip()[:1] in ("{", "[", '"'):
        return words[0].encode()
    return msgspec.json.encode(dict(_pair(word) for word in words))


def _pair(word: str) -> tuple[str, object]:
    name, is_pair, value = word.partition("=")
    if not is_pair or not name.rstrip(":"):
        raise Invalid(
            f"--data {word!r}: write name=text, name:=JSON or a JSON body", field="data"
        )
    if not name.endswith(":"):
        return name, value
    try:
        return name[:-1], msgspec.json.decode(value)
    except msgspec.DecodeError as error:
        raise Invalid(f"--data {word!r}: {error}", field="data") from error


def _content(path: str) -> bytes:
    if path == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise Invalid(f"cannot read {path}: {error.strerror}", field="data") from error


def named(headers: Sequence[str]) -> dict[str, str]:
    """Read headers as curl takes them. Raises Invalid."""
    found = {}
    for line in headers:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise Invalid(f"--header {line!r}: write 'Name: value'", field="header")
        found[name.strip().lower()] = value.strip()
    return found
