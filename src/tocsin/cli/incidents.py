"""`tocsin incident`: declare, list, show, acknowledge, and how far and how bad it is."""

from contextlib import suppress
from typing import Any

import click

from tocsin.cli import output
from tocsin.cli.client import Client, Runtime, ask
from tocsin.cli.pages import draw_page
from tocsin.kernel.errors import NotFound

TIMELINE_MAX = 200
ACTIVE = ("investigating", "identified", "mitigated")
KINDS = ("all", "notes", "pages", "changes", "alerts")


@click.group()
def incident() -> None:
    """Declare, list, show, acknowledge, change, merge, resolve incidents."""


@incident.command("list")
@click.option(
    "--status",
    type=click.Choice(["open", "all", *ACTIVE, "resolved", "closed"]),
    default="open",
    show_default=True,
)
@click.option("--severity", type=click.IntRange(1, 5), help="1 is worst.")
@click.option("--team", help="Only those of this team.")
@click.option("--service", help="Only those of this service.")
@click.option("--mine", is_flag=True, help="Only those that I work on.")
@click.option("--search", "text", help='Words, "phrases", OR, -not.')
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@output.format_option
@click.pass_obj
def list_(  # noqa: PLR0913 - one an option
    runtime: Runtime,
    *,
    status: str,
    severity: int | None,
    team: str | None,
    service: str | None,
    mine: bool,
    text: str | None,
    limit: int,
    as_json: bool | None,
) -> None:
    """List incidents, newest first."""
    wanted = {
        "status": status,
        "severity": str(severity) if severity else None,
        "team": team,
        "service": service,
        "mine": "true" if mine else None,
        "q": text,
    }
    given = {name: value for name, value in wanted.items() if value is not None}
    found = ask(runtime, lambda client: client.items("/incidents", limit, **given))

    def draw() -> None:
        if not found:
            output.line("No incidents." if status == "all" else f"No {status} incidents.")
            return
        draw_rows(found)

    output.show(found, draw, as_json=as_json)


def draw_rows(found: list[dict[str, Any]]) -> None:
    """Print incidents as a table."""
    output.table(
        ("incident", "status", "severity", "urgency", "title", "opened (UTC)"),
        (
            (
                one["reference"], _status(one), severity_of(one), one["urgency"],
                one["title"], output.when(one["opened_at"]),
            )
            for one in found
        ),
    )  # fmt: skip


@incident.command()
@click.argument("title")
@click.option("--description", default="", help="More words about it.")
@click.option("--severity", type=click.IntRange(1, 5), help="1 is worst.")
@click.option("--priority", type=click.Choice(["P1", "P2", "P3", "P4", "P5"]))
@click.option("--urgency", type=click.Choice(["high", "low"]), default="high")
@click.option("--page", "policy", help='Page by this policy; "" is the default policy.')
@click.option("--service", "services", multiple=True, help="What it is about; may be repeated.")
@click.option("--team", help="Whose it is.")
@click.option(
    "--group", "groups", multiple=True, help="Id of a group of alerts; may be repeated."
)
@output.format_option
@click.pass_obj
def declare(  # noqa: PLR0913 - one an option
    runtime: Runtime,
    *,
    title: str,
    description: str,
    severity: int | None,
    priority: str | None,
    urgency: str,
    policy: str | None,
    services: tuple[str, ...],
    team: str | None,
    groups: tuple[str, ...],
    as_json: bool | None,
) -> None:
    """Declare an incident by hand. Without --page nobody is paged."""
    body = {
        "title": title,
        "description": description,
        "severity": severity,
        "priority": priority,
        "urgency": urgency,
        "policy": policy,
        "services": services,
        "team": team,
        "groups": groups,
    }
    found = ask(runtime, lambda client: client.post("/incidents", body))
    say(found, f"{found['reference']} declared.", as_json=as_json)


@incident.command()
@click.argument("reference")
@click.option("--kinds", type=click.Choice(KINDS), default="all", help="Part of the timeline.")
@output.format_option
@click.pass_obj
def show(runtime: Runtime, *, reference: str, kinds: str, as_json: bool | None) -> None:
    """Show an incident: its pages, its groups, its timeline."""

    async def question(client: Client) -> dict[str, Any]:
        found: dict[str, Any] = await client.get(path_of(reference))
        path = path_of(reference, "timeline")
        given = {} if kinds == "all" else {"kinds": kinds}
        if found.get("merged_into"):
            with suppress(NotFound):  # that one may be shown to others only
                whole = await client.get(f"/incidents/{found['merged_into']}")
                found["part_of"] = whole["reference"]
        return {**found, "timeline": await client.items(path, TIMELINE_MAX, **given)}

    found = ask(runtime, question)
    output.show(found, lambda: _draw(found), as_json=as_json)


@incident.command()
@click.argument("reference")
@output.format_option
@click.pass_obj
def ack(runtime: Runtime, *, reference: str, as_json: bool | None) -> None:
    """Acknowledge an incident's pages: nobody else is called."""
    path = path_of(reference, "acknowledge")
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
    found = tell(runtime, reference, "resolve")
    say(found, f"{found['reference']} is {found['status']}.", as_json=as_json)


@incident.command()
@click.argument("reference")
@output.format_option
@click.pass_obj
def reopen(runtime: Runtime, *, reference: str, as_json: bool | None) -> None:
    """Say that an incident is not over; who was paged is paged again."""
    found = tell(runtime, reference, "reopen")
    say(found, f"{found['reference']} is {found['status']}.", as_json=as_json)


@incident.command()
@click.argument("reference")
@click.argument("stage", type=click.Choice([*ACTIVE, "closed"]))
@output.format_option
@click.pass_obj
def status(runtime: Runtime, *, reference: str, stage: str, as_json: bool | None) -> None:
    """Say how far the response has come."""
    found = tell(runtime, reference, "status", {"status": stage})
    say(found, f"{found['reference']} is {found['status']}.", as_json=as_json)


@incident.command()
@click.argument("reference")
@click.argument("level", type=click.Choice(["1", "2", "3", "4", "5", "none"]))
@output.format_option
@click.pass_obj
def severity(runtime: Runtime, *, reference: str, level: str, as_json: bool | None) -> None:
    """Say how bad it is: 1 is worst."""
    body = {"severity": None if level == "none" else int(level)}
    found = tell(runtime, reference, "severity", body)
    said = severity_of(found) or "no severity"
    say(found, f"{found['reference']} is {said}.", as_json=as_json)


@incident.command()
@click.argument("reference")
@click.argument("level", type=click.Choice(["P1", "P2", "P3", "P4", "P5", "none"]))
@output.format_option
@click.pass_obj
def priority(runtime: Runtime, *, reference: str, level: str, as_json: bool | None) -> None:
    """Say when it is worked on: P1 first."""
    body = {"priority": None if level == "none" else level}
    found = tell(runtime, reference, "priority", body)
    said = found["priority"] or "without a priority"
    say(found, f"{found['reference']} is {said}.", as_json=as_json)


def _draw(found: dict[str, Any]) -> None:
    output.heading(f"{found['reference']}  {found['title']}")
    output.fields(
        (
            ("status", found["status"]),
            ("severity", severity_of(found)),
            ("priority", found.get("priority")),
            ("urgency", found["urgency"]),
            ("team", found.get("team")),
            ("services", ", ".join(found.get("services", ()))),
            ("responders", ", ".join(o["person"]["name"] for o in found.get("responders", ()))),
            ("part of", found.get("part_of")),
            ("related", ", ".join(one["reference"] for one in found.get("related", ()))),
            ("merged in", ", ".join(one["reference"] for one in found.get("merged", ()))),
            ("restricted", "yes" if found.get("restricted") else None),
            ("labels", output.labels(found["labels"])),
            ("opened", output.when(found["opened_at"]) + " UTC"),
            ("resolved", found["resolved_at"] and output.when(found["resolved_at"]) + " UTC"),
            ("resolved by", found["resolved_by"]),
            ("alerts", f"{found['firing_count']} firing of {found['alert_count']}"),
            ("about", found["description"]),
            *(("link", f"{one['title']} {one['url']}") for one in found.get("links", ())),
        )
    )
    for page in found["pages"]:
        draw_page(page)
    output.heading("Timeline (UTC)")
    entries = reversed(found["timeline"])
    output.table(("at", "what"), ((output.when(one["at"]), _told(one)) for one in entries))


def _status(found: dict[str, Any]) -> str:
    calling = found.get("calling", "none")
    return str(found["status"] if calling == "none" else f"{found['status']}, {calling}")


def _told(entry: dict[str, Any]) -> str:
    text = entry.get("text")
    return f"{entry['sentence']}\n{text}" if text else str(entry["sentence"])


def tell(runtime: Runtime, reference: str, verb: str, body: object = None) -> Any:
    """Do something with an incident, and return what it has become."""
    return ask(runtime, lambda client: client.post(path_of(reference, verb), body))


def say(found: object, sentence: str, *, as_json: bool | None) -> None:
    """Print what came of it: one sentence for people, all of it for programs."""
    output.show(found, lambda: output.line(sentence), as_json=as_json)


def severity_of(found: dict[str, Any]) -> str:
    """Write a severity as people say it."""
    return f"SEV{found['severity']}" if found["severity"] else ""


def path_of(reference: str, *rest: str) -> str:
    """Return the path of an incident, or of something of it."""
    from urllib.parse import quote

    return "/".join(("/incidents", *(quote(one, safe="") for one in (reference, *rest))))
