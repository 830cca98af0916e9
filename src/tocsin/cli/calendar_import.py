"""`tocsin oncall import`: another calendar as a layer, printed as a document."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from tocsin.cli.client import Client, Runtime, ask
from tocsin.kernel.errors import Invalid

TEXT_MAX = 1024 * 1024


@click.command(name="import")
@click.argument("schedule")
@click.option(
    "--layer", required=True, help="How the layer is called; one of that name is replaced."
)
@click.option(
    "-f", "--file", "file", type=click.Path(path_type=Path, dir_okay=False),
    help="An .ics file.",
)  # fmt: skip
@click.option("--url", help="Where the calendar is; not in a network of our own.")
@click.option("--slot", help="The first slot, if left out.")
@click.option("--days", type=click.IntRange(1, 366), default=180, show_default=True)
@click.pass_obj
def import_(runtime: Runtime, /, **given: Any) -> None:
    """Read another calendar as a layer, and print the schedule with it, ready for `tocsin apply`.

    What is left out is said on standard error. Nothing is changed. Each shift has its event's number
    as `turn`: by that a swap of it goes along when it is imported again, at another time.
    """
    import yaml

    name = given["schedule"]
    body = {key: given[key] for key in ("layer", "slot", "url", "days") if given[key]}
    if given["file"] is not None:
        body["text"] = _text(given["file"])

    async def question(client: Client) -> tuple[Any, Any]:
        read = await client.post(f"/oncall/schedules/{quote(name, safe='')}/import", body)
        return read, await client.get(f"/resources/Schedule/{quote(name, safe='')}")

    read, resource = ask(runtime, question)
    for words in read["unknown"]:
        click.echo(f"left out: {words!r} is nobody here", err=True)
    for words in read.get("left_out", ()):
        click.echo(f"left out: {words}", err=True)
    if read["overlapping"]:
        click.echo(f"left out: {read['overlapping']} that others hide", err=True)
    document = {
        "apiVersion": "tocsin/v1",
        "kind": "Schedule",
        "metadata": {"name": name},
        "spec": _with_layer(resource["document"]["spec"], read["layer"]),
    }
    click.echo(yaml.safe_dump(document, sort_keys=False, allow_unicode=True).rstrip("\n"))


def _text(file: Path) -> str:
    try:
        with file.open(encoding="utf-8", newline="") as opened:
            return opened.read(TEXT_MAX + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"cannot read {file}: {error}", field="file") from error


def _with_layer(spec: dict[str, Any], layer: dict[str, Any]) -> dict[str, Any]:
    """Put a layer on top of a schedule, in the place of the one of its name."""
    found = {key: value for key, value in spec.items() if value not in (None, [], ())}
    rotation = found.pop("rotation", None)
    layers = [{"name": "rotation", **rotation}] if rotation else list(found.get("layers", ()))
    kept = [
        {key: value for key, value in one.items() if value not in (None, [], ())}
        for one in layers
        if one["name"] != layer["name"]
    ]
    return {**found, "layers": [*kept, layer]}
