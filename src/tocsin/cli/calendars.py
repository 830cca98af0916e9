"""`tocsin oncall temporary|calendar`: schedules for a while, and calendars that programs read."""

from typing import Any

import click

from tocsin.cli import output
from tocsin.cli.client import Runtime, ask
from tocsin.kernel.errors import Invalid

TEMPORARY = "temporary"
PARTS = 3  # who, from, until


def _quoted(name: str) -> str:
    from urllib.parse import quote

    return quote(name, safe="")


@click.group()
def temporary() -> None:
    """Let a schedule of its own stand for a while, instead of all else."""


@temporary.command(name="add")
@click.argument("schedule")
@click.option(
    "--shift", "shifts", multiple=True, required=True, metavar="'WHO FROM TO'",
    help="People with commas between them, and two instants by the schedule's own clocks;"
    " repeatable.",
)  # fmt: skip
@click.option("--from", "start", help="When it begins; with the first shift, if left out.")
@click.option("--to", "end", help="When it ends; with the last shift, if left out.")
@click.option("--slot", help="The first slot, if left out.")
@click.option("--reason", default="")
@output.format_option
@click.pass_obj
def add_temporary(runtime: Runtime, /, *, as_json: bool | None, **given: Any) -> None:
    """Let these shifts stand in SCHEDULE instead of all else; between them nobody is on call."""
    shifts = [_shift(text) for text in given["shifts"]]
    body = {
        "kind": TEMPORARY, "schedule": given["schedule"], "slot": given["slot"],
        "start_at": given["start"] or shifts[0]["start_at"],
        "end_at": given["end"] or shifts[-1]["end_at"],
        "shifts": shifts, "reason": given["reason"],
    }  # fmt: skip
    found = ask(runtime, lambda client: client.post("/oncall/overrides", body))
    output.show(found, lambda: _draw_temporary([found]), as_json=as_json)


@temporary.command(name="list")
@click.argument("schedule", required=False)
@output.format_option
@click.pass_obj
def list_temporary(runtime: Runtime, *, schedule: str | None, as_json: bool | None) -> None:
    """List the temporary schedules that are not over, and their shifts."""
    answer = ask(runtime, lambda client: client.get("/oncall/overrides", schedule=schedule))
    found = [one for one in answer["items"] if one["kind"] == TEMPORARY]
    output.show(found, lambda: _draw_temporary(found), as_json=as_json)


@temporary.command(name="end")
@click.argument("override_id", metavar="ID")
@output.format_option
@click.pass_obj
def end_temporary(runtime: Runtime, *, override_id: str, as_json: bool | None) -> None:
    """Take a temporary schedule back from now on; what it has done stays as it was."""
    path = f"/oncall/overrides/{_quoted(override_id)}"
    ask(runtime, lambda client: client.send("DELETE", path))
    output.show(
        {"id": override_id, "ended": True},
        lambda: output.line(f"Temporary schedule {override_id} has ended."),
        as_json=as_json,
    )


@click.group()
def calendar() -> None:
    """Make addresses at which calendar programs read shifts, and revoke them."""


@calendar.command(name="add")
@click.option("--person", help="Somebody else's shifts; your own, if nothing is named.")
@click.option("--schedule", help="All shifts of this schedule.")
@click.option("--team", help="All shifts of the schedules of this team.")
@output.format_option
@click.pass_obj
def add_calendar(runtime: Runtime, /, *, as_json: bool | None, **given: str | None) -> None:
    """Make an address at which programs read shifts; it is shown this once."""
    named = [(kind, name) for kind, name in given.items() if name]
    if len(named) > 1:
        raise Invalid("name one of --person, --schedule and --team", field=named[1][0])
    kind, name = named[0] if named else ("person", "")
    body = {"kind": kind, "name": name}
    found = ask(runtime, lambda client: client.post("/oncall/calendars", body))
    output.show(found, lambda: _draw_address(found), as_json=as_json)


@calendar.command(name="list")
@output.format_option
@click.pass_obj
def list_calendars(runtime: Runtime, *, as_json: bool | None) -> None:
    """List the calendars that you have made; their addresses are not shown again."""
    found = ask(runtime, lambda client: client.get("/oncall/calendars"))["items"]

    def draw() -> None:
        output.table(
            ("id", "of", "name", "made (UTC)", "last read (UTC)"),
            (
                (one["id"], one["kind"], one["name"] or "my own shifts",
                 output.when(one["created_at"]),
                 output.when(one["used_at"]) if one["used_at"] else "never")
                for one in found
            ),
        )  # fmt: skip

    output.show(found, draw, as_json=as_json)


@calendar.command(name="regenerate")
@click.argument("feed_id", metavar="ID")
@output.format_option
@click.pass_obj
def regenerate_calendar(runtime: Runtime, *, feed_id: str, as_json: bool | None) -> None:
    """Give a calendar another address; the old one opens nothing any more."""
    path = f"/oncall/calendars/{_quoted(feed_id)}/regenerate"
    found = ask(runtime, lambda client: client.post(path))
    output.show(found, lambda: _draw_address(found), as_json=as_json)


@calendar.command(name="revoke")
@click.argument("feed_id", metavar="ID")
@output.format_option
@click.pass_obj
def revoke_calendar(runtime: Runtime, *, feed_id: str, as_json: bool | None) -> None:
    """Let the address of a calendar open nothing any more."""
    path = f"/oncall/calendars/{_quoted(feed_id)}"
    ask(runtime, lambda client: client.send("DELETE", path))
    output.show(
        {"id": feed_id, "revoked": True},
        lambda: output.line(f"Calendar {feed_id} is revoked."),
        as_json=as_json,
    )


def _shift(text: str) -> dict[str, Any]:
    """Read `ana,ben 2026-03-30T09:00 2026-03-31T09:00`. Raises Invalid."""
    parts = text.split()
    people = [name for name in parts[0].split(",") if name] if parts else []
    if len(parts) != PARTS or not people:
        raise Invalid(
            f"--shift {text!r}: write who, from when and until when, e.g."
            " 'maya,jonas 2026-03-30T09:00 2026-03-31T09:00'",
            field="shift",
        )
    return {"people": people, "start_at": parts[1], "end_at": parts[2]}


def _draw_temporary(found: list[dict[str, Any]]) -> None:
    output.table(
        ("id", "schedule", "slot", "on call", "from (UTC)", "until (UTC)"),
        (
            (one["id"], one["schedule"], one["slot"],
             ", ".join(who["name"] for who in shift["people"]),
             output.when(shift["start_at"]), output.when(shift["end_at"]))
            for one in found
            for shift in one["shifts"]
        ),
    )  # fmt: skip


def _draw_address(found: dict[str, Any]) -> None:
    output.fields(
        (
            ("calendar", found["calendar"]["id"]),
            ("of", found["calendar"]["name"] or "my own shifts"),
            ("address", found["url"]),
        )
    )
    output.line("The address is shown this once; whoever has it may read the shifts.")


COMMANDS = (temporary, calendar)
