"""`tocsin oncall override|leave|swap|next|schedules|coverage`: what people agree beside schedules."""

from typing import Any

import click

from tocsin.cli import output
from tocsin.cli.client import Runtime, ask

KINDS = click.Choice(["cover", "replace", "remove"])
TROUBLE_FOUND = 10


def _quoted(name: str) -> str:
    from urllib.parse import quote

    return quote(name, safe="")


@click.command()
@output.format_option
@click.pass_obj
def schedules(runtime: Runtime, *, as_json: bool | None) -> None:
    """List the schedules and their slots, with who has them."""
    found = ask(runtime, lambda client: client.get("/oncall/schedules"))["items"]

    def draw() -> None:
        output.table(
            ("schedule", "slot", "zone", "on call"),
            (
                (one["name"], one["slot"], one["zone"],
                 _people(one["now"]) if one["now"] else "nobody")
                for one in found
            ),
        )  # fmt: skip

    output.show(found, draw, as_json=as_json)


@click.command(name="next")
@click.argument("schedule")
@click.option("--slot", help="The first slot, if left out.")
@output.format_option
@click.pass_obj
def following(
    runtime: Runtime, *, schedule: str, slot: str | None, as_json: bool | None
) -> None:
    """Say who has a schedule after those who have it now."""
    path = f"/oncall/schedules/{_quoted(schedule)}/next"
    found = ask(runtime, lambda client: client.get(path, slot=slot))

    def draw() -> None:
        if found is None:
            output.line("Nobody else within a year.")
            return
        output.line(f"{_people(found)}, from {output.when(found['start_at'])} UTC.")

    output.show(found, draw, as_json=as_json)


@click.group()
def override() -> None:
    """Let others have a schedule for a while."""


@override.command(name="add")
@click.argument("schedule")
@click.argument("person")
@click.option(
    "--from", "start", required=True, help="An instant, by the schedule's own clocks."
)
@click.option("--to", "end", required=True, help="Until just before this instant.")
@click.option("--kind", type=KINDS, default="cover", show_default=True)
@click.option("--for", "replaced", help="With --kind replace: whose shifts.")
@click.option("--slot", help="The first slot to cover; else every slot.")
@click.option("--reason", default="")
@output.format_option
@click.pass_obj
def add(runtime: Runtime, /, *, as_json: bool | None, **given: str | None) -> None:
    """Let PERSON cover SCHEDULE, take over the shifts of another, or step aside."""
    body = {
        "schedule": given["schedule"], "person": given["person"], "kind": given["kind"],
        "replaced": given["replaced"], "slot": given["slot"], "reason": given["reason"],
        "start_at": given["start"], "end_at": given["end"],
    }  # fmt: skip
    found = ask(runtime, lambda client: client.post("/oncall/overrides", body))
    output.show(found, lambda: _draw([found]), as_json=as_json)


@override.command(name="list")
@click.argument("schedule", required=False)
@output.format_option
@click.pass_obj
def listed(runtime: Runtime, *, schedule: str | None, as_json: bool | None) -> None:
    """List the overrides and leave that are not over."""
    found = ask(runtime, lambda client: client.get("/oncall/overrides", schedule=schedule))[
        "items"
    ]
    output.show(found, lambda: _draw(found), as_json=as_json)


@override.command(name="end")
@click.argument("override_id", metavar="ID")
@click.pass_obj
def end(runtime: Runtime, *, override_id: str) -> None:
    """Take an override or leave back from now on."""
    path = f"/oncall/overrides/{_quoted(override_id)}"
    ask(runtime, lambda client: client.send("DELETE", path))


@click.command()
@click.option("--from", "start", required=True, help="An instant, by the person's own clocks.")
@click.option("--to", "end", required=True, help="Until just before this instant.")
@click.option("--person", help="Whose; your own, if left out.")
@click.option("--reason", default="")
@output.format_option
@click.pass_obj
def leave(
    runtime: Runtime, *, start: str, end: str, person: str | None, reason: str,
    as_json: bool | None,
) -> None:  # fmt: skip
    """Be away: no schedule calls you; whoever is below has your shifts."""
    body = {"start_at": start, "end_at": end, "person": person, "reason": reason}
    found = ask(runtime, lambda client: client.post("/oncall/leave", body))
    output.show(found, lambda: _draw([found]), as_json=as_json)


@click.group()
def swap() -> None:
    """Exchange shifts: ask, and answer."""


@swap.command(name="ask")
@click.argument("schedule")
@click.argument("turn", type=int)
@click.argument("partner")
@click.option("--layer", default="rotation", show_default=True)
@click.option(
    "--back", "back_turn", type=int, help="The turn of theirs that you take in return."
)
@click.option("--back-schedule", help="Where that is; the same schedule, if left out.")
@click.option("--back-layer", default="rotation", show_default=True)
@click.option("--reason", default="")
@output.format_option
@click.pass_obj
def ask_for(runtime: Runtime, /, *, as_json: bool | None, **given: Any) -> None:
    """Ask PARTNER to take your TURN of SCHEDULE; `tocsin oncall show` numbers the turns."""
    body = {name: given[name] for name in ("schedule", "turn", "partner", "layer", "reason")}
    if given["back_turn"] is not None:
        body |= {"back_schedule": given["back_schedule"] or given["schedule"],
                 "back_layer": given["back_layer"], "back_turn": given["back_turn"]}  # fmt: skip
    found = ask(runtime, lambda client: client.post("/oncall/swaps", body))
    output.show(found, lambda: _draw_swaps([found]), as_json=as_json)


@swap.command(name="list")
@click.argument("schedule", required=False)
@output.format_option
@click.pass_obj
def swaps(runtime: Runtime, *, schedule: str | None, as_json: bool | None) -> None:
    """List the swaps that wait for an answer or were accepted."""
    found = ask(runtime, lambda client: client.get("/oncall/swaps", schedule=schedule))["items"]
    output.show(found, lambda: _draw_swaps(found), as_json=as_json)


def _answering(verb: str, words: str) -> click.Command:
    @click.command(name=verb, help=words)
    @click.argument("swap_id", metavar="ID")
    @output.format_option
    @click.pass_obj
    def answer(runtime: Runtime, *, swap_id: str, as_json: bool | None) -> None:
        path = f"/oncall/swaps/{_quoted(swap_id)}/{verb}"
        found = ask(runtime, lambda client: client.post(path))
        output.show(found, lambda: _draw_swaps([found]), as_json=as_json)

    return answer


swap.add_command(_answering("accept", "Take the shift that somebody wants to give you."))
swap.add_command(_answering("decline", "Leave the shift with whoever has it."))
swap.add_command(_answering("withdraw", "Take your request back."))


@click.command()
@click.argument("schedule", required=False)
@click.option("--days", type=click.IntRange(1, 366), default=90, show_default=True)
@output.format_option
@click.pass_obj
def coverage(
    runtime: Runtime, *, schedule: str | None, days: int, as_json: bool | None
) -> None:
    """Say what to look at before it happens: gaps, who cannot be woken, leavers, single points.

    Exit code 10 when there is anything, so that a pipeline can stop at it.
    """
    found = ask(
        runtime, lambda client: client.get("/oncall/coverage", schedule=schedule, days=days)
    )

    def draw() -> None:
        if not found["items"]:
            output.line(f"Nothing to look at in the next {days} days.")
            return
        output.table(
            ("schedule", "slot", "what", "who", "from (UTC)", "until (UTC)", "why"),
            (
                (one["schedule"], one["slot"], one["trouble"],
                 one["person"]["name"] if one["person"] else "",
                 output.when(one["start_at"]), output.when(one["end_at"]), one["why"])
                for one in found["items"]
            ),
        )  # fmt: skip

    output.show(found, draw, as_json=as_json)
    if found["items"]:
        raise SystemExit(TROUBLE_FOUND)


def _people(shift: dict[str, Any]) -> str:
    return ", ".join(one["name"] for one in shift["people"])


def _draw(found: list[dict[str, Any]]) -> None:
    output.table(
        ("id", "what", "schedule", "who", "instead of", "from (UTC)", "until (UTC)"),
        (
            (one["id"], one["kind"], one["schedule"] or "all",
             one["person"]["name"] if one["person"] else "",
             one["replaced"]["name"] if one["replaced"] else "",
             output.when(one["start_at"]), output.when(one["end_at"]))
            for one in found
        ),
    )  # fmt: skip


def _draw_swaps(found: list[dict[str, Any]]) -> None:
    output.table(
        ("id", "state", "schedule", "turn", "from", "to"),
        (
            (one["id"], one["state"], one["given"]["schedule"], one["given"]["turn"],
             one["asker"]["name"], one["partner"]["name"])
            for one in found
        ),
    )  # fmt: skip


COMMANDS = (schedules, following, override, leave, swap, coverage)
