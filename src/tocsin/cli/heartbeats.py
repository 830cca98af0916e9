"""`tocsin heartbeat`: jobs that are to be heard of, how they stand, their keys, pause and resume."""

from typing import Any
from urllib.parse import quote

import click

from tocsin.cli import output
from tocsin.cli.client import Client, Runtime, ask

KINDS = ("ok", "start", "fail")


@click.group()
def heartbeat() -> None:
    """Show the jobs that are to be heard of; `tocsin apply` makes one."""


@heartbeat.command("list")
@output.format_option
@click.pass_obj
def list_(runtime: Runtime, *, as_json: bool | None) -> None:
    """List heartbeats and how they stand."""
    found = ask(runtime, lambda client: client.get("/heartbeats"))["items"]

    def draw() -> None:
        if not found:
            output.line("No heartbeats; apply a document of kind Heartbeat to make one.")
            return
        output.table(
            ("name", "state", "rhythm", "last ping (UTC)", "expected (UTC)", "team"),
            (
                (
                    one["name"], one["state"], _rhythm(one), output.when(one["last_ping_at"]),
                    output.when(one["expected_at"]), one["team"] or "",
                )
                for one in found
            ),
        )  # fmt: skip

    output.show(found, draw, as_json=as_json)


@heartbeat.command()
@click.argument("name")
@output.format_option
@click.pass_obj
def show(runtime: Runtime, *, name: str, as_json: bool | None) -> None:
    """Show a heartbeat with its newest pings."""
    found = ask(runtime, lambda client: client.get(_path(name)))

    def draw() -> None:
        _draw(found)
        if not found["has_key"]:
            output.line(f"It has no key yet: tocsin heartbeat key {name}")
        if found["recent"]:
            output.table(
                ("at (UTC)", "ping", "exit code", "said"),
                (
                    (
                        output.when(one["at"]), one["kind"],
                        "" if one["exit_code"] is None else one["exit_code"],
                        " ".join(one["text"].split())[-80:],
                    )
                    for one in found["recent"][:20]
                ),
            )  # fmt: skip

    output.show(found, draw, as_json=as_json)


@heartbeat.command()
@click.argument("name")
@click.option(
    "--kind", type=click.Choice(KINDS), default="ok", show_default=True,
    help="What the job would say of itself.",
)  # fmt: skip
@click.option("--text", default="", help="What it would say beside that.")
@output.format_option
@click.pass_obj
def ping(runtime: Runtime, *, name: str, kind: str, text: str, as_json: bool | None) -> None:
    """Ping by hand, as the job would; `fail` pages whoever it would page."""
    body = {"kind": kind, "text": text}
    _tell(runtime, f"{_path(name)}/ping", body, as_json=as_json)


@heartbeat.command()
@click.argument("name")
@output.format_option
@click.pass_obj
def key(runtime: Runtime, *, name: str, as_json: bool | None) -> None:
    """Make a key and print the address to ping, this once; the key it had ends."""
    found = ask(runtime, lambda client: client.post(f"{_path(name)}/key"))
    output.show(found, lambda: output.line(found["url"]), as_json=as_json)


@heartbeat.command()
@click.argument("name")
@output.format_option
@click.pass_obj
def pause(runtime: Runtime, *, name: str, as_json: bool | None) -> None:
    """Look after a job no more until it is resumed; its alert ends."""
    _tell(runtime, f"{_path(name)}/pause", None, as_json=as_json)


@heartbeat.command()
@click.argument("name")
@output.format_option
@click.pass_obj
def resume(runtime: Runtime, *, name: str, as_json: bool | None) -> None:
    """Look after a job again, from now on."""
    _tell(runtime, f"{_path(name)}/resume", None, as_json=as_json)


def _tell(
    runtime: Runtime, path: str, body: dict[str, str] | None, *, as_json: bool | None
) -> None:
    async def question(client: Client) -> dict[str, Any] | None:
        answer: dict[str, Any] | None = await client.post(path, body)
        return answer

    found = ask(runtime, question)

    def draw() -> None:
        if found is None:
            output.line("It is noted; how it stands is shown to whoever may read heartbeats.")
        else:
            _draw(found)

    output.show(found, draw, as_json=as_json)


def _draw(found: dict[str, Any]) -> None:
    output.heading(found["name"])
    output.fields(
        (
            ("state", found["state"]),
            ("paused by", found["paused_by"]),
            ("about", found["description"]),
            ("team", found["team"]),
            ("rhythm", _rhythm(found)),
            ("grace", found["grace"]),
            ("severity", found["severity"]),
            ("labels", output.labels(found["labels"])),
            ("last ping", output.when(found["last_ping_at"])),
            ("last good one", output.when(found["last_ok_at"])),
            ("running since", output.when(found["started_at"])),
            ("down since", output.when(found["down_at"])),
            ("expected", output.when(found["expected_at"])),
            ("missed", output.when(found["missed_at"])),
            ("pings", found["pings"]),
        )
    )


def _rhythm(one: dict[str, Any]) -> str:
    return f"every {one['every']}" if one["every"] else f"{one['cron']} {one['timezone']}"


def _path(name: str) -> str:
    return f"/heartbeats/{quote(name, safe='')}"
