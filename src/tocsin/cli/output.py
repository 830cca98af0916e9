"""What commands print: tables for people on a terminal, JSON for programs behind a pipe."""

import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

F = TypeVar("F", bound=Callable[..., Any])
FORMATS = ("table", "json", "yaml", "md")
_META = "tocsin.output"


def format_option(command: F) -> F:
    """Add `--output`, `--json` and `--quiet`.

    The command takes `as_json` and hands it to `show`; what else was chosen, `show` knows.
    """
    decorated = click.option(
        "--json/--table",
        "as_json",
        default=None,
        help="Default: a table on a terminal, else JSON.",
    )(command)
    decorated = click.option(
        "-o", "--output", type=click.Choice(FORMATS), expose_value=False, callback=_remember,
        help="The same and more: yaml, md.",
    )(decorated)  # fmt: skip
    return click.option(
        "-q", "--quiet", is_flag=True, expose_value=False, callback=_remember,
        help="Say nothing but refusals; the exit code tells.",
    )(decorated)  # fmt: skip


def _remember(ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
    ctx.meta[f"{_META}.{parameter.name}"] = value
    return value


def _chosen(name: str) -> Any:
    ctx = click.get_current_context(silent=True)
    return ctx.meta.get(f"{_META}.{name}") if ctx else None


def format_of(*, as_json: bool | None) -> str:
    """Say how to print: as `--output` says, else `--json/--table`, else as fits where it goes."""
    chosen = _chosen("output")
    if chosen is not None:
        return str(chosen)
    if as_json is None:
        as_json = not sys.stdout.isatty()
    return "json" if as_json else "table"


def is_quiet() -> bool:
    """Say whether nothing is to be printed."""
    return bool(_chosen("quiet"))


def show(value: object, draw: Callable[[], None], *, as_json: bool | None) -> None:
    """Print `value` as a program reads it, or let `draw` tell it to a person."""
    if is_quiet():
        return
    match format_of(as_json=as_json):
        case "json":
            click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
        case "yaml":
            import yaml

            plain = msgspec.to_builtins(value)
            click.echo(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True).rstrip("\n"))
        case _:
            draw()


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under their headings, as wide as the terminal."""
    if _is_markdown():
        _markdown(columns, rows)
        return
    console().print(drawn(columns, rows))


def drawn(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> "RichTable":
    """Return rows under their headings."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    found = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        found.add_column(column, overflow="fold")
    for row in rows:
        found.add_row(*(clean(cell) for cell in row))
    return found


def text(words: object) -> "Text":
    """Return text that cannot steer a terminal, for a picture."""
    from rich.text import Text

    return Text(clean(words))


def _is_markdown() -> bool:
    return bool(_chosen("output") == "md")


def _markdown(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table as Markdown; what a sender wrote stays text there, too."""
    lines = [columns, ["---"] * len(columns), *rows]
    for row in lines:
        cells = (clean(cell).replace("\n", " ") for cell in row)
        escaped = (cell.replace("\\", "\\\\").replace("|", "\\|") for cell in cells)
        click.echo("| " + " | ".join(escaped) + " |")


def fields(pairs: Iterable[tuple[str, object]]) -> None:
    """Print names and values, one a line; what has no value is left out."""
    told = [(name, value) for name, value in pairs if value not in (None, "", ())]
    if _is_markdown():
        _markdown(("field", "value"), told)
        return
    from rich.table import Table

    found = Table(box=None, show_header=False, pad_edge=False)
    found.add_column(style="dim", no_wrap=True)
    found.add_column(overflow="fold")
    for name, value in told:
        found.add_row(name, clean(value))
    console().print(found)


def heading(text: str) -> None:
    """Print the name of what follows."""
    if _is_markdown():
        click.echo(f"\n## {clean(text)}\n")
        return
    from rich.text import Text

    console().print(Text(f"\n{clean(text)}", style="bold"))


def line(text: str) -> None:
    """Print one sentence; whatever a sender wrote in it stays text."""
    if not is_quiet():
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


def console() -> "Console":
    """Return the terminal; NO_COLOR and pipes take the colours away."""
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False)
