"""`tocsin incident`: what people add to one, make one of, keep of one; and `tocsin search`."""

import sys
from collections.abc import Sequence
from typing import Any

import click
from typing_extensions import override

from tocsin.cli import output
from tocsin.cli.client import API, Client, Runtime, ask
from tocsin.cli.incidents import draw_rows, incident, path_of, say, tell

NOT = "\0"  # stands for the minus of a word until click has told words from options


@incident.command()
@click.argument("reference")
@click.argument("text")
@output.format_option
@click.pass_obj
def note(runtime: Runtime, *, reference: str, text: str, as_json: bool | None) -> None:
    """Write a note into the timeline; "-" reads it from standard input."""
    said = sys.stdin.read() if text == "-" else text
    found = tell(runtime, reference, "notes", {"text": said})
    say(found, f"Noted as {found['id']}.", as_json=as_json)


@incident.command("erase-note")
@click.argument("reference")
@click.argument("note_id")
@click.pass_obj
def erase_note(runtime: Runtime, *, reference: str, note_id: str) -> None:
    """Erase a note's text for good."""
    ask(runtime, lambda client: client.send("DELETE", path_of(reference, "notes", note_id)))
    output.line("Erased.")


@incident.command()
@click.argument("reference")
@click.argument("into")
@output.format_option
@click.pass_obj
def merge(runtime: Runtime, *, reference: str, into: str, as_json: bool | None) -> None:
    """Make REFERENCE part of INTO."""
    found = tell(runtime, reference, "merge", {"incident": into})
    say(found, f"{reference} is part of {found['reference']} now.", as_json=as_json)


@incident.command()
@click.argument("reference")
@click.argument("title")
@click.option(
    "--group", "groups", multiple=True, required=True, help="Id of a group; may be repeated."
)
@output.format_option
@click.pass_obj
def split(
    runtime: Runtime,
    *,
    reference: str,
    title: str,
    groups: tuple[str, ...],
    as_json: bool | None,
) -> None:
    """Make some groups of alerts an incident of their own, called TITLE."""
    found = tell(runtime, reference, "split", {"groups": groups, "title": title})
    say(found, f"{found['reference']} split off {reference}.", as_json=as_json)


@incident.command()
@click.argument("reference")
@click.argument("url")
@click.option("--title", default="", help="What it is called; else its host.")
@output.format_option
@click.pass_obj
def link(
    runtime: Runtime, *, reference: str, url: str, title: str, as_json: bool | None
) -> None:
    """Add a document elsewhere."""
    found = tell(runtime, reference, "links", {"url": url, "title": title})
    say(found, f"Linked {found['url']} as {found['id']}.", as_json=as_json)


@incident.command()
@click.argument("reference")
@click.argument("link_id")
@click.pass_obj
def unlink(runtime: Runtime, *, reference: str, link_id: str) -> None:
    """Remove a link."""
    ask(runtime, lambda client: client.send("DELETE", path_of(reference, "links", link_id)))
    output.line("Unlinked.")


@incident.command()
@click.argument("reference")
@click.argument("other")
@click.option(
    "--remove", is_flag=True, help="They have nothing to do with each other after all."
)
@output.format_option
@click.pass_obj
def relate(
    runtime: Runtime, *, reference: str, other: str, remove: bool, as_json: bool | None
) -> None:
    """Say that two incidents have something to do with each other."""

    async def question(client: Client) -> Any:
        if remove:
            return await client.send("DELETE", path_of(reference, "relations", other))
        return await client.post(path_of(reference, "relations"), {"incident": other})

    found = ask(runtime, question)
    verb = "unrelated" if remove else "related"
    say(found or [], f"{reference} and {other} are {verb}.", as_json=as_json)


@incident.command()
@click.argument("reference")
@click.option("--person", "people", multiple=True, help="Name of a person; may be repeated.")
@click.option("--role", "roles", multiple=True, help="A role; may be repeated.")
@click.option("--remove", is_flag=True, help="Show it to everybody again.")
@output.format_option
@click.pass_obj
def restrict(
    runtime: Runtime,
    *,
    reference: str,
    people: tuple[str, ...],
    roles: tuple[str, ...],
    remove: bool,
    as_json: bool | None,
) -> None:
    """Show an incident to these people and roles alone, everywhere; you are added."""
    path = path_of(reference, "restriction")
    body = None if remove else {"people": people, "roles": roles}
    method = "DELETE" if remove else "PUT"
    found = ask(runtime, lambda client: client.send(method, path, body))
    what = "shown to everybody" if remove else "restricted"
    say(found, f"{found['reference']} is {what}.", as_json=as_json)


@incident.command()
@click.argument("reference")
@output.format_option
@click.pass_obj
def escalate(runtime: Runtime, *, reference: str, as_json: bool | None) -> None:
    """Call the next step now, without waiting."""
    found = tell(runtime, reference, "escalate")
    say(found, f"{reference}: the next step is called.", as_json=as_json)


@incident.command()
@click.argument("reference")
@click.option(
    "--format", "written", type=click.Choice(["json", "markdown"]), default="markdown",
    show_default=True,
)  # fmt: skip
@click.option("--to", "path", type=click.Path(dir_okay=False, writable=True), help="A file.")
@click.pass_obj
def export(runtime: Runtime, *, reference: str, written: str, path: str | None) -> None:
    """Write all that is known of an incident: facts, timeline, notes, pages, alerts."""
    where = API + path_of(reference, "export")
    body = ask(runtime, lambda client: client.raw("GET", where, params={"format": written}))
    if path is None:
        click.echo(body.decode())
        return
    with click.open_file(path, "wb") as file:
        file.write(body)
    output.line(f"{reference} written to {path}.")


class _Search(click.Command):
    """A command to which `-deploy` is a word that must be missing, and no option."""

    @override
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [NOT + a[1:] if _is_not(a) else a for a in args])


def _is_not(word: str) -> bool:
    return len(word) > 2 and word[0] == "-" != word[1]  # noqa: PLR2004 - longer than -o


def _query(words: Sequence[str]) -> str:
    return " ".join(words).replace(NOT, "-")


@incident.command("search", cls=_Search)
@click.argument("words", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@output.format_option
@click.pass_obj
def search_incidents(
    runtime: Runtime, *, words: tuple[str, ...], limit: int, as_json: bool | None
) -> None:
    """Find incidents of any status by title, description, labels, services and notes."""
    text = _query(words)
    found = ask(runtime, lambda c: c.items("/incidents", limit, q=text, status="all"))

    def draw() -> None:
        if found:
            draw_rows(found)
        else:
            output.line("Nothing found.")

    output.show(found, draw, as_json=as_json)


@click.command(cls=_Search)
@click.argument("words", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, 50), default=20, show_default=True)
@output.format_option
@click.pass_obj
def search(
    runtime: Runtime, *, words: tuple[str, ...], limit: int, as_json: bool | None
) -> None:
    """Find incidents and alerts: words, "phrases", OR, -not."""
    text = _query(words)
    found = ask(runtime, lambda client: client.get("/search", q=text, limit=limit))
    output.show(found, lambda: _draw_found(found), as_json=as_json)


def _draw_found(found: dict[str, Any]) -> None:
    if found["incidents"]:
        draw_rows(found["incidents"])
    if found["alerts"]:
        output.table(
            ("alert", "state", "labels", "since (UTC)"),
            (
                (one["name"], one["state"], output.labels(one["labels"]), output.when(one["starts_at"]))
                for one in found["alerts"]
            ),
        )  # fmt: skip
    if not found["incidents"] and not found["alerts"]:
        output.line("Nothing found.")
