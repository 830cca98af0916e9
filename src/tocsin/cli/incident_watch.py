"""`tocsin incident watch`: what is open, or one incident's timeline, as it moves."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
import msgspec

from tocsin.cli import output
from tocsin.cli.client import Client, Runtime, ask
from tocsin.kernel.errors import Unavailable

if TYPE_CHECKING:
    from rich.console import RenderableType

POLL_S = 2.0
SHOWN_MAX = 40
TIMELINE_MAX = 200
AGAIN_S = (1.0, 2.0, 5.0)
Found = dict[str, Any]


@click.command()
@click.argument("reference", required=False)
@click.option("--count", type=click.IntRange(1), hidden=True, help="End after so many looks.")
@output.format_option
@click.pass_obj
def watch(
    runtime: Runtime, *, reference: str | None, count: int | None, as_json: bool | None
) -> None:
    """Watch incidents, or one, until interrupted.

    On a terminal the picture stays current. Behind a pipe comes one line of JSON for each
    incident that changes, or with REFERENCE for each new record of its timeline.
    """
    said = _Lines() if output.format_of(as_json=as_json) != "table" else _Screen(reference)
    try:
        ask(runtime, lambda client: _watch(client, reference, said, count))
    except KeyboardInterrupt:
        return
    finally:
        said.close()


async def _watch(
    client: Client, reference: str | None, said: "_Lines | _Screen", count: int | None
) -> None:
    looks = 0
    async for trouble in _moments(client):
        if trouble:
            said.lost(trouble)
            continue
        try:
            said.show(await look(client, reference))
        except Unavailable as error:
            said.lost(error.detail)
            continue
        looks += 1
        if looks == count:
            return


async def _moments(client: Client) -> AsyncIterator[str]:
    """Yield "" whenever it is time to look, and what is wrong while nothing answers."""
    import asyncio

    yield ""
    if client.is_local:  # nobody tells a process of its own what moves
        while True:
            await asyncio.sleep(POLL_S)
            yield ""
    seq: int | None = None
    failures = 0
    while True:
        try:
            async for at, topics in client.events(seq):
                failures, seq = 0, seq if at is None else at
                if is_about_incidents(topics):
                    yield ""
        except Unavailable as error:
            yield error.detail
        await asyncio.sleep(AGAIN_S[min(failures, len(AGAIN_S) - 1)])
        failures += 1
        yield ""  # where there is no stream, looking is all there is


def is_about_incidents(topics: str) -> bool:
    """Say whether a message of the stream may change what is shown."""
    return any(one == "now" or one.startswith("incident:") for one in topics.split())


async def look(client: Client, reference: str | None) -> Found:
    """Return what there is to show: `items`, and for one incident its `incident`."""
    if reference is None:
        return {"items": await client.items("/incidents", SHOWN_MAX, status="open")}
    from urllib.parse import quote

    path = f"/incidents/{quote(reference, safe='')}"
    timeline = await client.items(f"{path}/timeline", TIMELINE_MAX)
    return {"incident": await client.get(path), "items": timeline[::-1]}


def news(items: list[Found], known: dict[str, Found]) -> list[Found]:
    """Return the items that are not, or not so, among `known`, and remember them there.

    An incident that has left the list is said once more, as over. A record that is sealed is
    the record it was.
    """
    fresh = [
        one for one in items if _without_seq(known.get(one["id"], {})) != _without_seq(one)
    ]
    here = {one["id"] for one in items}
    gone = [one for key, one in known.items() if key not in here and "reference" in one]
    for one in gone:
        del known[one["id"]]
    known |= {one["id"]: one for one in items}
    return [*fresh, *({**one, "status": "resolved"} for one in gone)]


def _without_seq(one: Found) -> Found:
    return {name: value for name, value in one.items() if name != "seq"}


class _Lines:
    """One line of JSON for each thing that is new."""

    def __init__(self) -> None:
        self._known: dict[str, Found] = {}

    def show(self, found: Found) -> None:
        for one in news(found["items"], self._known):
            click.echo(msgspec.json.encode(one).decode())

    def lost(self, detail: str) -> None:
        click.echo(f"Reconnecting: {detail}", err=True)

    def close(self) -> None:
        """Nothing is open."""


class _Screen:
    """A picture that stays current on a terminal."""

    def __init__(self, reference: str | None) -> None:
        from rich.live import Live

        self._reference = reference
        self._found: Found = {"items": []}
        self._live = Live(console=output.console(), auto_refresh=False, screen=False)
        self._live.start()

    def show(self, found: Found) -> None:
        self._found = found
        self._live.update(self._picture("live"), refresh=True)

    def lost(self, detail: str) -> None:
        self._live.update(self._picture(f"reconnecting: {detail}"), refresh=True)

    def close(self) -> None:
        self._live.stop()

    def _picture(self, state: str) -> "RenderableType":
        from rich.console import Group
        from rich.text import Text

        at = datetime.now(UTC).strftime("%H:%M:%S")  # noqa: TID251 - when this terminal was painted
        what = self._reference or f"{len(self._found['items'])} open"
        head = Text(f"{what}, {state}, {at} UTC; Ctrl C ends", style="dim")
        return Group(
            head, *(_one(self._found) if "incident" in self._found else _all(self._found))
        )


def _all(found: Found) -> "list[RenderableType]":
    if not found["items"]:
        return [output.text("Nothing is open.")]
    columns = ("incident", "status", "severity", "urgency", "title", "opened (UTC)")
    rows = [
        (
            one["reference"], one["status"], f"SEV{one['severity']}" if one["severity"] else "",
            one["urgency"], one["title"], output.when(one["opened_at"]),
        )
        for one in found["items"]
    ]  # fmt: skip
    return [output.drawn(columns, rows)]


def _one(found: Found) -> "list[RenderableType]":
    incident = found["incident"]
    rows = [(output.when(one["at"]), one["sentence"]) for one in found["items"][-SHOWN_MAX:]]
    return [
        output.text(f"{incident['reference']}  {incident['title']}"),
        output.text(f"{incident['status']}, {incident['firing_count']} firing"),
        output.drawn(("at (UTC)", "what"), rows),
    ]
