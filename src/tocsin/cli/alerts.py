"""`tocsin alert`: what fires, and why each alert became what it is."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import click

from tocsin.cli import output
from tocsin.cli.client import Client, Runtime, ask
from tocsin.kernel.errors import Invalid, Unauthenticated

CLOCKS = timedelta(minutes=1)  # between this machine and Tocsin: what ends later still fires


@click.group()
def alert() -> None:
    """List alerts, say why they are so, send one, resolve by hand."""


@alert.command("list")
@click.option(
    "--state",
    type=click.Choice(["firing", "resolved", "all"]),
    default="firing",
    show_default=True,
)
@click.option(
    "--filter",
    "matchers",
    multiple=True,
    help="A matcher, as 'severity=~\"crit.*\"'; repeatable.",
)
@click.option("--team", default="", help="Only what belongs to this team.")
@click.option("--service", default="", help="Only what is about this service.")
@click.option("--integration", default="", help="Only what this integration sent.")
@click.option("--text", default="", help="Words of labels and annotations.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@output.format_option
@click.pass_obj
def list_(  # noqa: PLR0913 - the filters
    runtime: Runtime,
    *,
    state: str,
    matchers: tuple[str, ...],
    team: str,
    service: str,
    integration: str,
    text: str,
    limit: int,
    as_json: bool | None,
) -> None:
    """List alerts, newest first."""
    asked = {
        "state": state, "filter": ", ".join(matchers), "team": team, "service": service,
        "integration": integration, "q": text,
    }  # fmt: skip
    given = {name: value for name, value in asked.items() if value}
    found = ask(runtime, lambda client: client.items("/alerts", limit, **given))

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


@alert.command()
@click.argument("alert_ids", metavar="ID...", nargs=-1, required=True)
@output.format_option
@click.pass_obj
def resolve(runtime: Runtime, *, alert_ids: tuple[str, ...], as_json: bool | None) -> None:
    """Call alerts over by hand; they stay so until they fire anew."""
    wanted = [str(_uuid(one)) for one in alert_ids]
    found = ask(runtime, lambda client: client.post("/alerts/resolve", {"alerts": wanted}))
    resolved = found["resolved"]
    words = "1 alert is" if len(resolved) == 1 else f"{len(resolved)} alerts are"
    output.show(found, lambda: output.line(f"{words} resolved."), as_json=as_json)


@alert.command()
@click.argument("labels", metavar="LABEL=VALUE...", nargs=-1, required=True)
@click.option("--summary", default="", help="What it is about, in a sentence.")
@click.option("--resolved", is_flag=True, help="Say that it is over.")
@output.format_option
@click.pass_obj
def send(
    runtime: Runtime,
    *,
    labels: tuple[str, ...],
    summary: str,
    resolved: bool,
    as_json: bool | None,
) -> None:
    """Send one alert to a running Tocsin, as Prometheus would, to see what becomes of it.

    It takes a token that may send: `tocsin token create try --role integration`.
    """
    import msgspec

    sent: dict[str, Any] = {
        "labels": named(labels),
        "annotations": {"summary": summary} if summary else {},
    }
    if resolved:
        ended_at = datetime.now(UTC) - CLOCKS  # noqa: TID251 - outside Tocsin
        sent["endsAt"] = ended_at.isoformat()
    content = msgspec.json.encode([sent])

    async def question(client: Client) -> None:
        await client.raw("POST", "/api/v2/alerts", content=content)

    try:
        ask(runtime, question)
    except Unauthenticated as error:
        raise Unauthenticated(
            "sending takes a running Tocsin and a token: set TOCSIN_URL and TOCSIN_TOKEN,"
            " or use `tocsin login`"
        ) from error
    output.show(
        sent,
        lambda: output.line("Sent. `tocsin alert list` shows it in a moment."),
        as_json=as_json,
    )


def named(words: tuple[str, ...]) -> dict[str, str]:
    """Read `name=value` words as labels. Raises Invalid."""
    found = {}
    for word in words:
        name, is_pair, value = word.partition("=")
        if not is_pair or not name:
            raise Invalid(
                f"{word!r} is no label; write name=value, as service=checkout", field="labels"
            )
        found[name] = value.strip('"')
    return found


def _found(runtime: Runtime, alert_id: str) -> Any:
    wanted = _uuid(alert_id)
    return ask(runtime, lambda client: client.get(f"/alerts/{wanted}"))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no alert id; `tocsin alert list` shows them", param_hint="ID"
        ) from None


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
