"""`tocsin backup`, `restore` and `support-bundle`: much of Tocsin in one file."""

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from tocsin.cli import output
from tocsin.cli.client import Runtime
from tocsin.kernel.errors import Invalid

if TYPE_CHECKING:
    from tocsin.kernel.backup import BackedUp
    from tocsin.kernel.restore import Restored

STANDARD = "-"


@click.command()
@click.argument("file")
@output.format_option
@click.pass_obj
def backup(runtime: Runtime, *, file: str, as_json: bool | None) -> None:
    """Write the whole database to FILE (- is standard output), while Tocsin runs.

    The file holds what the database holds, with names and addresses of people and the secrets
    of their contact methods: keep it as you keep the database. Settings are not in it. The log
    notes that it was made, and `tocsin doctor` how old the last one is.
    """
    with sink(file) as (out, digest):
        found = runtime.back_up(out)
    if why := runtime.note_backup(found, digest.size):
        click.echo(f"The backup is whole, but not in Tocsin's log: {why}", err=True)
    if file == STANDARD:
        click.echo(f"Backed up {found.row_count} rows.", err=True)
        return
    told = _told(found) | {
        "file": file, "bytes": digest.size, "sha256": digest.hexdigest(),
    }  # fmt: skip

    def draw() -> None:
        size = f"{digest.size / 1e6:.1f} MB"
        output.line(f"Backed up {found.row_count} rows into {file} ({size}).")
        output.line(f"The log has {found.manifest.log_size} records. sha256 {told['sha256']}")
        output.line(f"Try it: `tocsin restore --verify {file}`.")

    output.show(told, draw, as_json=as_json)


@click.command()
@click.argument("file")
@click.option(
    "--verify", is_flag=True, help="Into a database that is dropped again; changes nothing."
)
@output.format_option
@click.pass_obj
def restore(runtime: Runtime, *, file: str, verify: bool, as_json: bool | None) -> None:
    """Read a backup from FILE (- is standard input) into an empty database.

    Counts, digests and every record of the log are checked first: all of it is there, or
    nothing. Paging is held until `tocsin paging release`.
    """
    with _source(file) as source:
        found = runtime.restore(source, verify=verify)
    told = _told(found) | {"verified_only": verify, "migrated": list(found.newer)}

    def draw() -> None:
        at = found.head.taken_at
        words = "is sound" if verify else "is restored"
        output.line(
            f"The backup of {at:%Y-%m-%d %H:%M:%S} UTC {words}: {found.row_count} rows."
        )
        output.line(f"Every one of the log's {found.manifest.log_size} records was checked.")
        if not verify:
            output.line(
                "PAGING IS HELD: nobody is called until `tocsin paging release`, or the button"
                " on the banner."
            )

    output.show(told, draw, as_json=as_json)


@click.command("support-bundle")
@click.argument("file")
@click.pass_obj
def support_bundle(runtime: Runtime, *, file: str) -> None:
    """Write what somebody who helps must know to FILE (.tar.gz).

    Doctor, settings, versions, schema, sizes, counts and metrics; no secrets, nobody's name
    or address, no texts. Look into it before you give it away.
    """
    import io
    import tarfile

    found = runtime.support()
    with sink(file) as (out, _), tarfile.open(fileobj=out, mode="w|gz") as tar:
        for name, content in found.items():
            member = tarfile.TarInfo(f"tocsin-support/{name}")
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))
    if file != STANDARD:
        output.line(f"Wrote {file}: {', '.join(found)}.")


def _told(found: "BackedUp | Restored") -> dict[str, Any]:
    return {
        "taken_at": found.head.taken_at,
        "tocsin": found.head.tocsin,
        "rows": found.row_count,
        "log_size": found.manifest.log_size,
        "unsealed_count": found.manifest.unsealed_count,
    }


class _Digest:
    """A file that digests what goes through it."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._sha256 = hashlib.sha256()
        self.size = 0

    def write(self, content: bytes) -> int:
        self._sha256.update(content)
        self.size += len(content)
        return self._out.write(content)

    def flush(self) -> None:
        self._out.flush()

    def hexdigest(self) -> str:
        return self._sha256.hexdigest()


@contextmanager
def sink(file: str) -> Iterator[tuple[Any, _Digest]]:
    """Open what is written to; a file appears under its name once it is whole and on disk."""
    if file == STANDARD:
        if sys.stdout.isatty():
            raise Invalid("a backup is no text for a terminal; name a file", field="FILE")
        digest = _Digest(sys.stdout.buffer)
        yield digest, digest
        return
    path = Path(file)
    if path.exists():
        raise Invalid(f"{file} is there already; choose another name", field="FILE")
    making = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        making.touch(mode=0o600, exist_ok=False)
        with making.open("wb") as out:
            digest = _Digest(out)
            yield digest, digest
            out.flush()
            os.fsync(out.fileno())
        making.rename(path)
    except OSError as error:
        raise Invalid(
            f"cannot write {file}: {error.strerror or error}", field="FILE"
        ) from error
    finally:
        with suppress(FileNotFoundError):
            making.unlink()


@contextmanager
def _source(file: str) -> Iterator[IO[bytes]]:
    if file == STANDARD:
        yield sys.stdin.buffer
        return
    try:
        with Path(file).open("rb") as source:
            yield source
    except OSError as error:
        raise Invalid(f"cannot read {file}: {error.strerror or error}", field="FILE") from error
