"""Will this page someone? `tocsin policy check` and `tocsin policy simulate`."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

import click

from tocsin.cli import output
from tocsin.cli.client import Runtime, ask
from tocsin.kernel.durations import written
from tocsin.kernel.errors import Invalid

NOT_PROVEN = 10
HOLES_SHOWN = 10


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--days", type=click.IntRange(1, 90), default=30, show_default=True)
@output.format_option
@click.pass_obj
def check(runtime: Runtime, *, names: tuple[str, ...], days: int, as_json: bool | None) -> None:
    """Prove that every alert reaches somebody who can be woken, or say when not.

    NAME is a route or a policy; without one all are looked at. Exit code 10 when there is a time
    at which an alert wakes nobody, so that a pipeline can stop at it.
    """
    found = ask(
        runtime, lambda client: client.get("/policies/check", days=days, name=list(names))
    )
    output.show(found, lambda: _draw(found, days), as_json=as_json)
    if not found["proven"]:
        raise SystemExit(NOT_PROVEN)


def _draw(found: dict[str, Any], days: int) -> None:
    if found["proven"]:
        output.heading(f"Every alert of the next {days} days wakes somebody.")
    else:
        output.heading(f"Not every alert of the next {days} days wakes somebody.")
    output.table(
        ("route", "policy", "urgency", "", ""),
        (
            (
                one["route"] or "by hand", one["policy"] or "", one["urgency"],
                one["outcome"], one["words"],
            )
            for one in found["paths"]
        ),
    )  # fmt: skip
    for one in found["paths"]:
        if one["holes"]:
            output.line("")
            output.line(f"{_named(one)}:")
            for words in _holes(one):
                output.line(f"  {words}")


def _named(one: dict[str, Any]) -> str:
    route = f"route {one['route']}, " if one["route"] else ""
    return f"{route}policy {one['policy'] or '(none)'}"


def _holes(one: dict[str, Any]) -> Iterator[str]:
    for hole in one["holes"][:HOLES_SHOWN]:
        yield hole["words"]
    more = len(one["holes"]) - HOLES_SHOWN + one["more"]
    if more > 0:
        yield f"and {more} more; --json has them"


@click.command()
@click.argument("name")
@click.option("--at", "at", metavar="INSTANT", help="When the alert comes; now if left out.")
@click.option("--urgency", type=click.Choice(["high", "low"]), default="high")
@output.format_option
@click.pass_obj
def simulate(
    runtime: Runtime, *, name: str, at: str | None, urgency: str, as_json: bool | None
) -> None:
    """Say whom a policy would call when if nobody answered; nobody is called.

    INSTANT is ISO 8601, in UTC unless it names an offset: 2026-12-24T09:00+01:00.
    """
    path = f"/policies/{quote(name, safe='')}/simulate"
    moment = _instant(at) if at else None
    found = ask(runtime, lambda client: client.get(path, at=moment, urgency=urgency))
    output.show(found, lambda: _draw_page(found), as_json=as_json)


def _instant(text: str) -> str:
    from datetime import UTC

    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid(
            f"{text!r} is no instant; write 2026-12-24T09:00+01:00", field="at"
        ) from error
    return (at if at.utcoffset() is not None else at.replace(tzinfo=UTC)).isoformat()


def _draw_page(found: dict[str, Any]) -> None:
    output.heading(f"{found['policy']}, an alert of {found['urgency']} urgency")
    output.table(
        ("at (UTC)", "after", "round", "calls", "by", "wakes", "otherwise"),
        (row for call in found["calls"] for row in _rows(call)),
    )
    after = found["after_seconds"]
    if after is None:
        output.line("Nobody is reached, not even by the catch-all.")
    elif after == 0:
        output.line("Somebody is reached at once.")
    else:
        output.line(f"The first who is reached is told after {written(after)}.")


def _rows(call: dict[str, Any]) -> Iterator[tuple[object, ...]]:
    step = f"step {call['step']}" if call["step"] else "catch-all"
    when, after = output.when(call["at"]), "+" + written(call["after_seconds"])
    start = (when, after, f"{call['round']}, {step}")
    otherwise = "; ".join(call["missing"])
    if call["held_until"]:
        because = f" because of {call['holiday']}" if call.get("holiday") else ""
        otherwise = f"waits until {output.when(call['held_until'])} UTC{because}"
    if not call["tells"]:
        yield (*start, "nobody", "", "", otherwise)
    for at, tell in enumerate(call["tells"]):
        head = start if at == 0 else ("", "", "")
        by = tell["method"]
        if tell["at"] != call["at"]:
            by = f"{by} at {output.when(tell['at'])}"
        wakes = "yes" if tell["wakes"] else "no"
        yield (*head, tell["name"], by, wakes, otherwise if at == 0 else "")
