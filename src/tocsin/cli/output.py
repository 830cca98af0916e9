"""What commands print: tables for people on a terminal, JSON for programs behind a pipe."""

import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

if TYPE_CHECKING:
    from rich.console import Console

F = TypeVar("F", bound=Callable[..., Any])


def format_option(command: F) -> F:
    """Add `--json/--table`, which arrive as `as_json`; None: a terminal gets tables."""
    return click.option(
        "--json/--table",
        "as_json",
        default=None,
        help="Default: a table on a terminal, else JSON.",
    )(command)


def show(value: object, draw: Callable[[], None], *, as_json: bool | None) -> None:
    """Print `value` as JSON, or let `draw` tell it to a person."""
    if as_json if as_json is not None else not sys.stdout.isatty():
        click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
    else:
        draw()


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under their headings, as wide as the terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    found = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        found.add_column(column, overflow="fold")
    for row in rows:
        found.add_row(*(clean(cell) for cell in row))
    _console().print(found)


def fields(pairs: Iterable[tuple[str, object]]) -> None:
    """Print names and values, one a line; what has no value is left out."""
    from rich.table import Table

    found = Table(box=None, show_header=False, pad_edge=False)
    found.add_column(style="dim", no_wrap=True)
    found.add_column(overflow="fold")
    for name, value in pairs:
        if value not in (None, "", ()):
            found.add_row(name, clean(value))
    _console().print(found)


def heading(text: str) -> None:
    """Print the name of what follows."""
    from rich.text import Text

    _console().print(Text(f"\n{clean(text)}", style="bold"))


def line(text: str) -> None:
    """Print one sentence; whatever a sender wrote in it stays text."""
    click.echo(clean(text))


def clean(value: object) -> str:
    """Return text that cannot steer a terminal: control characters become visible."""
    text = "" if value is None else str(value)
    return "".join(
        c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def when(text: str | None) -> str:
    """Write an instant of the API as people read it, in UTC."""
    if text is None:
        return ""
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def labels(found: dict[str, str]) -> str:
    """Write labels as Prometheus' users know them."""
    return " ".join(f'{name}="{value}"' for name, value in sorted(found.items()))


def _console() -> "Console":
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False)
