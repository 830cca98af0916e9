"""`tocsin oncall`: shifts and gaps of schedules, and my own turns."""

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from tocsin.cli import output
from tocsin.cli.client import Client, Runtime, ask

GAPS_FOUND = 10
WEEKS = click.IntRange(1, 52)


def _quoted(name: str) -> str:
    from urllib.parse import quote

    return quote(name, safe="")


async def _plan(client: Client, name: str, weeks: int) -> Any:
    path = f"/oncall/schedules/{_quoted(name)}/shifts"
    first = await client.get(path)
    if weeks == 2:  # noqa: PLR2004 - what the answer holds by itself
        return first
    start = datetime.fromisoformat(first["start_at"]).astimezone(UTC)
    end = start + timedelta(weeks=weeks)
    return await client.get(path, **{"from": start.isoformat(), "to": end.isoformat()})


@click.command()
@click.argument("schedule")
@click.option("--weeks", type=WEEKS, default=2, show_default=True)
@output.format_option
@click.pass_obj
def show(runtime: Runtime, *, schedule: str, weeks: int, as_json: bool | None) -> None:
    """Show who has a schedule when."""
    found = ask(runtime, lambda client: _plan(client, schedule, weeks))

    def draw() -> None:
        output.heading(f"{found['name']}, {found['zone']}, {found['covered']:.1%} covered")
        rows = [*_shifts(found), *_gaps(found)]
        output.table(("from (UTC)", "until (UTC)", "slot", "on call", "turn"), sorted(rows))

    output.show(found, draw, as_json=as_json)


def _shifts(found: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            output.when(one["start_at"]),
            output.when(one["end_at"]),
            one["slot"],
            ", ".join(who["name"] for who in one["people"]),
            f"{one['layer']} {one['turn']}" if one["layer"] else "override",
        )
        for one in found["shifts"]
    ]


def _gaps(found: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        (output.when(one["start_at"]), output.when(one["end_at"]), one["slot"], "nobody", "")
        for one in found["gaps"]
    ]


@click.command()
@click.argument("schedule", required=False)
@click.option("--weeks", type=WEEKS, default=4, show_default=True)
@output.format_option
@click.pass_obj
def gaps(runtime: Runtime, *, schedule: str | None, weeks: int, as_json: bool | None) -> None:
    """Say when nobody is on call.

    Exit code 10 when there is such a time, so that a pipeline can stop at it.
    """

    async def question(client: Client) -> list[dict[str, Any]]:
        listed = (await client.get("/oncall/schedules"))["items"] if schedule is None else []
        names = [schedule] if schedule else [one["name"] for one in listed]
        plans = [await _plan(client, name, weeks) for name in names]
        return [{"schedule": plan["name"], **gap} for plan in plans for gap in plan["gaps"]]

    found = ask(runtime, question)

    def draw() -> None:
        if not found:
            output.line(f"No gaps in the next {weeks} weeks.")
            return
        output.table(
            ("schedule", "from (UTC)", "until (UTC)"),
            (
                (one["schedule"], output.when(one["start_at"]), output.when(one["end_at"]))
                for one in found
            ),
        )

    output.show(found, draw, as_json=as_json)
    if found:
        raise SystemExit(GAPS_FOUND)


@click.command()
@output.format_option
@click.pass_obj
def me(runtime: Runtime, *, as_json: bool | None) -> None:
    """Say until when you are on call, and when it is your turn again."""
    found = ask(runtime, lambda client: client.get("/oncall/me"))

    def draw() -> None:
        until = found["until"]
        output.line(
            f"You are on call until {output.when(until)} UTC."
            if until
            else "You are not on call."
        )
        if found["shifts"]:
            output.table(
                ("schedule", "from (UTC)", "until (UTC)"),
                (
                    (one["schedule"], output.when(one["start_at"]), output.when(one["end_at"]))
                    for one in found["shifts"]
                ),
            )

    output.show(found, draw, as_json=as_json)
