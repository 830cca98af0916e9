"""The file of a backup: a gzipped tar that is written and read in one pass, so a pipe will do.

`head.json` says what is in it, `tables/<schema>.<table>/<n>.copy` are the rows in PostgreSQL's
text format, in parts, and `manifest.json` comes last: with it the file is whole, and only then.
"""

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import IO, Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from tocsin.kernel.errors import Invalid

FORMAT = 1
HEAD, MANIFEST = "head.json", "manifest.json"
PART_BYTES = 4 * 1024 * 1024
MEMBER_BYTES_MAX = 256 * 1024 * 1024  # a part, and the largest row that may follow it
_LEVEL = 1  # measured: level 6 halves the speed and saves a seventh
T = TypeVar("T")
Name = Annotated[str, Meta(pattern=r"^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$")]
Column = Annotated[str, Meta(pattern=r"^[a-z_][a-z0-9_]*$")]
Block = bytes | bytearray | memoryview
Bound = Annotated[
    str,
    Meta(pattern=r"^(DEFAULT|FOR VALUES (FROM|IN) \([\w ',:+.-]*\)( TO \([\w ',:+.-]*\))?)$"),
]
"""What becomes part of a statement is no more than a name, or a bound as PostgreSQL writes it."""


class Applied(Struct, frozen=True, kw_only=True):
    """A migration that the database had."""

    number: int
    file: str
    sha256: str


class Partition(Struct, frozen=True, kw_only=True):
    """A partition that must be there before its rows are."""

    parent: Name
    name: Name
    bound: Bound


class Table(Struct, frozen=True, kw_only=True):
    """A table, in an order in which what is referred to comes first."""

    name: Name
    columns: tuple[Column, ...]


class Head(Struct, frozen=True, kw_only=True):
    """What a restore must know before the first row."""

    format: int
    tocsin: str
    postgresql: int
    taken_at: datetime
    migrations: tuple[Applied, ...]
    tables: tuple[Table, ...]
    partitions: tuple[Partition, ...]


class Content(Struct, frozen=True, kw_only=True):
    """What the rows of a table are, all parts taken together."""

    rows: int
    bytes: int
    sha256: str


class Sequence(Struct, frozen=True, kw_only=True):
    """Where a sequence stands."""

    name: Name
    last_value: int
    is_called: bool


class Manifest(Struct, frozen=True, kw_only=True):
    """What must have arrived. `log_size` is the seq that the next sealed event gets."""

    log_size: int
    unsealed_count: int
    tables: dict[Name, Content]
    sequences: tuple[Sequence, ...]


class Tally:
    """Counts and digests the rows of one table as they pass."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._rows = self._bytes = 0

    def add(self, part: bytes) -> None:
        """Take a part; a line break inside a value is escaped, so each one ends a row."""
        self._sha256.update(part)
        self._rows += part.count(b"\n")
        self._bytes += len(part)

    @property
    def content(self) -> Content:
        """What has passed."""
        return Content(rows=self._rows, bytes=self._bytes, sha256=self._sha256.hexdigest())


class Writer:
    """Writes the members of one backup."""

    def __init__(self, tar: tarfile.TarFile, at: datetime) -> None:
        self._tar = tar
        self._at = at.timestamp()

    def add(self, name: str, content: bytes) -> None:
        """Write one member."""
        member = tarfile.TarInfo(name)
        member.size, member.mtime, member.mode = len(content), self._at, 0o600
        self._tar.addfile(member, io.BytesIO(content))

    def add_struct(self, name: str, value: Struct) -> None:
        """Write one member that people can read."""
        self.add(name, msgspec.json.format(msgspec.json.encode(value), indent=2))

    def add_table(self, name: str, rows: Iterable[Block]) -> Content:
        """Write the rows of a table in parts, and say what they were."""
        tally, part, count = Tally(), bytearray(), 0
        for row in rows:
            part += row
            if len(part) >= PART_BYTES:
                count += 1
                self._add_part(name, count, part, tally)
                part = bytearray()
        if part:
            self._add_part(name, count + 1, part, tally)
        return tally.content

    def _add_part(self, name: str, number: int, part: bytearray, tally: Tally) -> None:
        content = bytes(part)
        tally.add(content)
        self.add(f"tables/{name}/{number:06}.copy", content)


@contextmanager
def writing(out: IO[bytes], at: datetime) -> Iterator[Writer]:
    """Begin a backup on `out`, and end it as a whole file."""
    with (
        gzip.GzipFile(
            fileobj=out, mode="wb", compresslevel=_LEVEL, mtime=0, filename=""
        ) as zipped,
        tarfile.open(fileobj=zipped, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        yield Writer(tar, at)


def members(source: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """Read the members of a backup in their order. Raises Invalid for what is none, or is cut off."""
    try:
        with (
            gzip.GzipFile(fileobj=source, mode="rb") as zipped,
            tarfile.open(fileobj=zipped, mode="r|") as tar,
        ):
            for member in tar:
                if member.size > MEMBER_BYTES_MAX:
                    raise Invalid(f"{member.name} is larger than any part is", field="FILE")
                found: Any = tar.extractfile(member)
                if found is not None:
                    yield member.name, found.read()
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Invalid(
            f"this is no whole backup ({str(error) or type(error).__name__}); take another one",
            field="FILE",
        ) from error


def read(content: bytes, kind: type[T]) -> T:
    """Read `head.json` or `manifest.json`. Raises Invalid."""
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(
            f"this is no backup that Tocsin can read: {error}", field="FILE"
        ) from error
