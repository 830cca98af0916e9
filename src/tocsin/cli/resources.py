"""`tocsin apply`: configuration from YAML."""

from pathlib import Path

import click
import msgspec

from tocsin.cli import output
from tocsin.cli.client import Client, Runtime, ask
from tocsin.kernel.errors import Conflict, Invalid


@click.command()
@click.option(
    "-f",
    "--file",
    "paths",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path, allow_dash=True),
    help="A YAML file, a folder, or - for standard input; repeatable.",
)
@output.format_option
@click.pass_obj
def apply(runtime: Runtime, *, paths: tuple[Path, ...], as_json: bool | None) -> None:
    """Create or change the configuration.

    People, schedules, policies and routes, as YAML. All documents or none: one that is
    refused keeps all from being applied. Applying the same again changes nothing.
    """
    from tocsin.cli import documents

    found = documents.read(paths)
    body = {"documents": [msgspec.to_builtins(one.document) for one in found]}

    async def question(client: Client) -> dict[str, object]:
        answer: dict[str, object] = await client.post("/resources/apply", body)
        return answer

    try:
        applied = ask(runtime, question)
    except (Invalid, Conflict) as error:
        detail = documents.located(error.detail, error.field, found)
        raise type(error)(detail, field=error.field) from error

    def draw() -> None:
        for change in msgspec.convert(applied["changes"], list[str]):
            output.line(change)
        state = "is in force" if applied["changed"] else "stays: nothing changed"
        output.line(f"Revision {applied['revision']} {state}.")

    output.show(applied, draw, as_json=as_json)
