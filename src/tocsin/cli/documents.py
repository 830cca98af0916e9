"""Reads resources from files, folders and standard input."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tocsin.kernel.errors import Invalid, TooLarge
from tocsin.kernel.resources import DOCUMENTS_MAX
from tocsin.kernel.resources.yaml_text import Placed, located, parse

__all__ = ["FILE_MAX_BYTES", "Placed", "located", "parse", "read"]

FILE_MAX_BYTES = 1024 * 1024


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
