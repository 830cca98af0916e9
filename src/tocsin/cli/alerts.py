"""`tocsin alert`: what fires, and why each alert became what it is."""

from typing import Any

import click

from tocsin.cli import output
from tocsin.cli.client import Runtime, ask


@click.group()
def alert() -> None:
    """List alerts, and say why they are so."""


@alert.command("list")
@click.option(
    "--state", type=click.Choice(["firing", "all"]), default="firing", show_default=True
)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@output.format_option
@click.pass_obj
def list_(runtime: Runtime, *, state: str, limit: int, as_json: bool | None) -> None:
    """List alerts, newest first."""
    found = ask(runtime, lambda client: client.items("/alerts", limit, state=state))

    def draw() -> None:
        if not found:
            output.line("No alerts fire." if state == "firing" else "No alerts.")
            return
        output.table(
            ("id", "state", "urgency", "since (UTC)", "labels"),
            (
                (
                    one["id"], one["state"], one["urgency"], output.when(one["starts_at"]),
                    output.labels(one["labels"]),
                )
                for one in found
            ),
        )  # fmt: skip

    output.show(found, draw, as_json=as_json)


@alert.command()
@click.argument("alert_id", metavar="ID")
@output.format_option
@click.pass_obj
def show(runtime: Runtime, *, alert_id: str, as_json: bool | None) -> None:
    """Show an alert as its sender describes it."""
    found = _found(runtime, alert_id)
    output.show(found, lambda: _draw(found), as_json=as_json)


@alert.command()
@click.argument("alert_id", metavar="ID")
@output.format_option
@click.pass_obj
def why(runtime: Runtime, *, alert_id: str, as_json: bool | None) -> None:
    """Say what each stage of triage decided about an alert."""
    found = _found(runtime, alert_id)
    output.show(found, lambda: _draw_why(found), as_json=as_json)


def _found(runtime: Runtime, alert_id: str) -> Any:
    from uuid import UUID

    try:
        wanted = UUID(alert_id)
    except ValueError:
        raise click.BadParameter(
            f"{alert_id!r} is no alert id; `tocsin alert list` shows them", param_hint="ID"
        ) from None
    return ask(runtime, lambda client: client.get(f"/alerts/{wanted}"))


def _draw(found: dict[str, Any]) -> None:
    output.heading(found["name"] or "Alert without a name")
    output.fields(
        (
            ("id", found["id"]),
            ("state", found["state"]),
            ("urgency", found["urgency"]),
            ("since", output.when(found["starts_at"]) + " UTC"),
            ("ends", output.when(found["ends_at"]) + " UTC"),
            ("heard", f"{found['seen_count']} times, {found['fired_count']} episodes"),
            ("integration", found["integration"]),
            ("source", found["source_url"]),
            *((f"label {name}", value) for name, value in sorted(found["labels"].items())),
            *sorted(found["annotations"].items()),
        )
    )


def _draw_why(found: dict[str, Any]) -> None:
    output.heading(f"{found['name'] or 'Alert'} is {found['state']}")
    output.table(
        ("stage", "decision"), ((one["stage"], one["decision"]) for one in found["reasons"])
    )
    group, incident = found["group"], found["incident"]
    output.fields(
        (
            ("group", group and f"{group['title']} ({group['state']})"),
            ("route", group and group["route"]),
            ("incident", incident and f"{incident['reference']} {incident['title']}"),
        )
    )
