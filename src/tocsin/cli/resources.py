"""`tocsin plan | apply | diff | export | history | rollback | schema`: configuration from YAML."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from tocsin.cli import output, resource_words
from tocsin.cli.client import API, Client, Runtime, ask
from tocsin.kernel.errors import Conflict, Forbidden, Invalid, NotFound

F = TypeVar("F", bound=Callable[..., Any])
DIFFERS = 10  # exit code: something would change


def _files_option(command: F) -> F:
    return click.option(
        "-f",
        "--file",
        "paths",
        multiple=True,
        required=True,
        type=click.Path(path_type=Path, allow_dash=True),
        help="A YAML file, a folder, or - for standard input; repeatable.",
    )(command)


def _prune_option(command: F) -> F:
    return click.option(
        "--prune",
        is_flag=True,
        help="The files are all there is: delete what files manage and these do not name.",
    )(command)


def _since_option(command: F) -> F:
    return click.option(
        "--effective-from",
        "since",
        metavar="INSTANT",
        help="Come into force then, e.g. 2026-03-30T09:00+02:00; a document's own wins.",
    )(command)


def _kind_and_name(
    _ctx: click.Context, _parameter: click.Parameter, value: str
) -> tuple[str, str]:
    kind, name = resource_words.pairs(value)
    return kind, name


_resource_argument = click.argument("resource", metavar="KIND/NAME", callback=_kind_and_name)


@click.command()
@_files_option
@_prune_option
@_since_option
@output.format_option
@click.pass_obj
def apply(
    runtime: Runtime,
    *,
    paths: tuple[Path, ...],
    prune: bool,
    since: str | None,
    as_json: bool | None,
) -> None:
    """Create or change the configuration.

    Teams, people, services, schedules, policies and routes, as YAML. All documents or none:
    one that is refused keeps all from being applied. Applying the same again changes nothing.
    """
    applied = _ask_about(runtime, "/resources/apply", paths, prune=prune, since=since)

    output.show(applied, lambda: resource_words.draw_applied(applied), as_json=as_json)


@click.command()
@_files_option
@_prune_option
@_since_option
@output.format_option
@click.pass_context
def plan(
    ctx: click.Context,
    *,
    paths: tuple[Path, ...],
    prune: bool,
    since: str | None,
    as_json: bool | None,
) -> None:
    """Say what an apply would change, in words first; exit code 10 when anything would.

    Nothing is changed. `checkout pages Maya instead of Jonas from Monday 09:00` is what people
    would notice in the next fourteen days; below stand the documents, field by field.
    """
    found = _ask_about(ctx.obj, "/resources/plan", paths, prune=prune, since=since)
    output.show(found, lambda: resource_words.draw_plan(found), as_json=as_json)
    if found["changed"]:
        ctx.exit(DIFFERS)


@click.command()
@_files_option
@_prune_option
@output.format_option
@click.pass_context
def diff(
    ctx: click.Context, *, paths: tuple[Path, ...], prune: bool, as_json: bool | None
) -> None:
    """Compare files with the server, field by field; exit code 10 when they differ."""
    found = _ask_about(ctx.obj, "/resources/plan", paths, prune=prune, since=None)
    output.show(found, lambda: resource_words.draw_diff(found), as_json=as_json)
    if found["changed"]:
        ctx.exit(DIFFERS)


@click.command()
@click.option("--kind", help="Only this kind, e.g. Schedule.")
@click.option(
    "-d",
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write one file a kind into this folder instead of to standard output.",
)
@click.pass_obj
def export(runtime: Runtime, *, kind: str | None, directory: Path | None) -> None:
    """Print the configuration as YAML that `tocsin apply` takes.

    Addresses and other private fields are there only for who may apply them, and secrets for
    nobody: `…` stands for one, and keeps it when it is applied.
    """
    params: dict[str, str | int] = {"kind": kind} if kind else {}

    async def question(client: Client) -> str:
        answer = await client.raw("GET", f"{API}/resources/export", params=params)
        return answer.decode()

    text = ask(runtime, question)
    if directory is None:
        click.echo(text, nl=False)
        return
    _write_files(directory, text)


def _write_files(directory: Path, text: str) -> None:
    from tocsin.kernel.resources import yaml_text

    by_kind: dict[str, list[Any]] = {}
    for one in yaml_text.parse("export", text):
        by_kind.setdefault(one.document.kind, []).append(one.document)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for kind, documents in by_kind.items():
            file = directory / f"{kind.lower()}.yaml"
            file.write_text(yaml_text.write(documents), encoding="utf-8")
            output.line(f"wrote {len(documents)} to {file}")
    except OSError as error:
        raise Invalid(f"cannot write {directory}: {error.strerror}") from error


@click.command()
@_resource_argument
@click.option("-n", "--limit", default=20, show_default=True, type=click.IntRange(1, 200))
@output.format_option
@click.pass_obj
def history(
    runtime: Runtime, *, resource: tuple[str, str], limit: int, as_json: bool | None
) -> None:
    """Show the versions of one resource: who, when and what; and what is to come."""
    kind, name = resource

    async def question(client: Client) -> dict[str, Any]:
        found: dict[str, Any] = await client.get(f"/resources/{kind}/{name}/history")
        return found

    found = ask(runtime, question)
    found["versions"] = found["versions"][:limit]
    output.show(found, lambda: resource_words.draw_history(found, limit), as_json=as_json)


@click.command()
@_resource_argument
@click.option("--to", "version", required=True, type=click.IntRange(1), help="The version.")
@click.option(
    "--take-over",
    is_flag=True,
    help="Although a file manages it; the next apply takes it back.",
)
@output.format_option
@click.pass_obj
def rollback(
    runtime: Runtime,
    *,
    resource: tuple[str, str],
    version: int,
    take_over: bool,
    as_json: bool | None,
) -> None:
    """Make an older version of a resource a new one.

    Private fields stay as they are: no history holds them.
    """
    kind, name = resource
    path = f"/resources/{kind}/{name}/rollback?take_over={str(take_over).lower()}"

    async def question(client: Client) -> dict[str, Any]:
        found: dict[str, Any] = await client.post(path, {"to": version})
        return found

    try:
        applied = ask(runtime, question)
    except Conflict as error:
        cure = "" if take_over else " (--take-over)"
        raise Conflict(f"{error.detail}{cure}", field=error.field) from error

    output.show(applied, lambda: resource_words.draw_applied(applied), as_json=as_json)


@click.command()
@click.pass_obj
def schema(runtime: Runtime) -> None:
    """Print the JSON Schema of all documents, for editors that complete and check YAML.

    Write it to a file, and let the first line of your YAML say
    `# yaml-language-server: $schema=./tocsin.schema.json`.
    """

    async def question(client: Client) -> Any:
        return await client.get("/resources/schema")

    found = ask(runtime, question)
    click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())


def _ask_about(
    runtime: Runtime, path: str, paths: Sequence[Path], *, prune: bool, since: str | None
) -> dict[str, Any]:
    """Send the documents of files; a refusal names file and line."""
    from tocsin.cli import documents

    if prune and since is not None:
        raise click.UsageError("--prune deletes at once: use it without --effective-from")
    found = documents.read(paths)
    body = {"documents": [_document(one.document, since) for one in found], "prune": prune}

    async def question(client: Client) -> dict[str, Any]:
        answer: dict[str, Any] = await client.post(path, body)
        return answer

    try:
        return ask(runtime, question)
    except (Invalid, Conflict, NotFound, Forbidden) as error:
        detail = documents.located(error.detail, error.field, found)
        raise type(error)(detail, field=error.field) from error


def _document(document: Any, since: str | None) -> dict[str, Any]:
    written: dict[str, Any] = msgspec.to_builtins(document)
    if since is not None and "effectiveFrom" not in written["metadata"]:
        written["metadata"]["effectiveFrom"] = _instant(since)
    return written


def _instant(text: str) -> str:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise click.BadParameter(
            f"{text!r}: write an instant with its offset, e.g. 2026-03-30T09:00+02:00",
            param_hint="--effective-from",
        )
    return found.isoformat()
