"""`tocsin incident`: list, show, acknowledge, resolve."""

from typing import Any

import click

from tocsin.cli import output
from tocsin.cli.client import Client, Runtime, ask
from tocsin.cli.pages import draw_page

TIMELINE_MAX = 200


@click.group()
def incident() -> None:
    """List, show, acknowledge, resolve incidents."""


@incident.command("list")
@click.option(
    "--status",
    type=click.Choice(["open", "resolved", "all"]),
    default="open",
    show_default=True,
)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@output.format_option
@click.pass_obj
def list_(runtime: Runtime, *, status: str, limit: int, as_json: bool | None) -> None:
    """List incidents, newest first."""
    found = ask(runtime, lambda client: client.items("/incidents", limit, status=status))

    def draw() -> None:
        if not found:
            output.line("No incidents." if status == "all" else f"No {status} incidents.")
            return
        output.table(
            ("incident", "status", "severity", "urgency", "title", "opened (UTC)"),
            (
                (
                    one["reference"], one["status"], _severity(one), one["urgency"],
                    one["title"], output.when(one["opened_at"]),
                )
                for one in found
            ),
        )  # fmt: skip

    output.show(found, draw, as_json=as_json)


@incident.command()
@click.argument("reference")
@output.format_option
@click.pass_obj
def show(runtime: Runtime, *, reference: str, as_json: bool | None) -> None:
    """Show an incident: its pages, its groups, its timeline."""

    async def question(client: Client) -> dict[str, Any]:
        found: dict[str, Any] = await client.get(f"/incidents/{_quoted(reference)}")
        path = f"/incidents/{_quoted(reference)}/timeline"
        return {**found, "timeline": await client.items(path, TIMELINE_MAX)}

    found = ask(runtime, question)
    output.show(found, lambda: _draw(found), as_json=as_json)


@incident.command()
@click.argument("reference")
@output.format_option
@click.pass_obj
def ack(runtime: Runtime, *, reference: str, as_json: bool | None) -> None:
    """Acknowledge an incident's pages: nobody else is called."""
    path = f"/incidents/{_quoted(reference)}/acknowledge"
    found = ask(runtime, lambda client: client.post(path))

    def draw() -> None:
        name = found["incident"]["reference"]
        if not found["pages"]:
            output.line(f"{name}: nobody is paged for it.")
        for page in found["pages"]:
            by = page["acknowledged_by"]
            who = f" by {by['name']}" if by else ""
            output.line(f"{name}: page {page['id']} is {page['state']}{who}.")

    output.show(found, draw, as_json=as_json)


@incident.command()
@click.argument("reference")
@output.format_option
@click.pass_obj
def resolve(runtime: Runtime, *, reference: str, as_json: bool | None) -> None:
    """Call an incident over: its pages close."""
    path = f"/incidents/{_quoted(reference)}/resolve"
    found = ask(runtime, lambda client: client.post(path))
    output.show(
        found,
        lambda: output.line(f"{found['reference']} is {found['status']}."),
        as_json=as_json,
    )


def _draw(found: dict[str, Any]) -> None:
    output.heading(f"{found['reference']}  {found['title']}")
    output.fields(
        (
            ("status", found["status"]),
            ("severity", _severity(found)),
            ("urgency", found["urgency"]),
            ("labels", output.labels(found["labels"])),
            ("opened", output.when(found["opened_at"]) + " UTC"),
            ("resolved", found["resolved_at"] and output.when(found["resolved_at"]) + " UTC"),
            ("resolved by", found["resolved_by"]),
            ("alerts", f"{found['firing_count']} firing of {found['alert_count']}"),
            ("about", found["description"]),
        )
    )
    for page in found["pages"]:
        draw_page(page)
    output.heading("Timeline (UTC)")
    entries = reversed(found["timeline"])
    output.table(("at", "what"), ((output.when(one["at"]), one["sentence"]) for one in entries))


def _severity(found: dict[str, Any]) -> str:
    return f"SEV{found['severity']}" if found["severity"] else ""


def _quoted(reference: str) -> str:
    from urllib.parse import quote

    return quote(reference, safe="")
