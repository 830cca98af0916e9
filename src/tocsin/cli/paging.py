"""`tocsin paging` and `tocsin log-level`: what is switched while Tocsin runs."""

import click

from tocsin.cli import output
from tocsin.cli.client import Runtime, ask

LEVELS = click.Choice(["debug", "info", "warning", "error", "settings"])
_WHY = {"restored": "the database was restored from a backup", "asked": "somebody asked for it"}


@click.group()
def paging() -> None:
    """See whether anybody is paged at all; hold and release it."""


@paging.command()
@output.format_option
@click.pass_obj
def status(runtime: Runtime, *, as_json: bool | None) -> None:
    """Say whether paging is held, since when, and why."""
    found = ask(runtime, lambda client: client.get("/paging"))

    def draw() -> None:
        if found["held"]:
            why = _WHY.get(found["reason"], found["reason"])
            output.line(f"Held since {output.when(found['held_at'])} UTC: {why}.")
            output.line("`tocsin paging release` lets people be paged for what is still true.")
        else:
            output.line("People are paged.")

    output.show(found, draw, as_json=as_json)


@paging.command()
@output.format_option
@click.pass_obj
def hold(runtime: Runtime, *, as_json: bool | None) -> None:
    """Page nobody until it is released, e.g. before a database is exchanged.

    Alerts are taken and sorted, incidents opened. `/health/ready` answers 503, so that a
    sentinel tells its contacts.
    """
    found = ask(runtime, lambda client: client.post("/paging/hold"))
    output.show(
        found,
        lambda: output.line(f"Held since {output.when(found['held_at'])} UTC."),
        as_json=as_json,
    )


@paging.command()
@output.format_option
@click.pass_obj
def release(runtime: Runtime, *, as_json: bool | None) -> None:
    """Page for what is still true: each open page once, by one step.

    Where its step has still to be told, that is sent now; where it was told before, an
    overdue page goes on to the next step.
    """
    found = ask(runtime, lambda client: client.post("/paging/release"))

    def draw() -> None:
        if not found["was_held"]:
            output.line("It was not held.")
            return
        dropped = found["dropped_count"]
        output.line(f"Released; open pages: {found['open_count']}.")
        if dropped:
            output.line(f"Messages of earlier steps that are not sent any more: {dropped}.")

    output.show(found, draw, as_json=as_json)


@click.command("log-level")
@click.argument("level", type=LEVELS)
@click.option("--for", "lasts", default="1h", show_default=True, help="How long, at most 7d.")
@output.format_option
@click.pass_obj
def log_level(runtime: Runtime, *, level: str, lasts: str, as_json: bool | None) -> None:
    """Log more, or less, in every process for a while; no restart is needed.

    It comes into force within 5 seconds. `settings` goes back to what each was started with.
    """
    body = {"level": level, "for": lasts}
    found = ask(runtime, lambda client: client.post("/system/log-level", body))

    def draw() -> None:
        until = f" until {output.when(found['until'])} UTC" if found["until"] else ""
        output.line(f"Log level: {found['level']}{until}.")

    output.show(found, draw, as_json=as_json)
