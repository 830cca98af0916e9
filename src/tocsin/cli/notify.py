"""`tocsin notify`: by what one is paged oneself, whether that wakes one, and whether it works."""

from typing import Any

import click

from tocsin.cli import output
from tocsin.cli.client import Client, Runtime, ask
from tocsin.kernel.errors import NotFound, Unavailable

SENT = "sent"
INDEX = click.IntRange(min=0)


@click.group()
def notify() -> None:
    """See by what you are paged, prove it and test it."""


@notify.command()
@click.option("--person", help="Somebody else's, by the name of the person; for admins.")
@output.format_option
@click.pass_obj
def methods(runtime: Runtime, *, person: str | None, as_json: bool | None) -> None:
    """List contact methods in the order in which they are tried, addresses masked."""
    path = f"/people/{person}/contacts" if person else "/me/contacts"
    found = ask(runtime, lambda client: client.get(path))

    def draw() -> None:
        output.line(found["says"])
        if not found["items"]:
            return
        output.table(
            ("#", "by", "address", "verified", "at night", "text that leaves", "last test (UTC)"),
            (
                (
                    str(one["index"]), one["method"], one["address"],
                    "yes" if one["verified"] else "no", "yes" if one["urgent"] else "no",
                    one["show"], _last(one["last_test"]),
                )
                for one in found["items"]
            ),
        )  # fmt: skip

    output.show(found, draw, as_json=as_json)


@notify.command()
@click.option("--method", type=INDEX, required=True, help="Which one, by its number.")
@click.option("--code", help="The code that was sent. Without it, one is sent and asked for.")
@output.format_option
@click.pass_obj
def verify(runtime: Runtime, *, method: int, code: str | None, as_json: bool | None) -> None:
    """Prove that a contact method reaches you, by a code that is sent to it.

    Where no table is printed nothing is asked for: run it again with --code.
    """
    path = f"/me/contacts/{method}"
    if code is None:
        sent = ask(runtime, lambda client: client.post(f"{path}/code"))
        if sent["outcome"] != SENT:
            raise Unavailable(f"the code could not be sent: {sent['error'] or 'not known why'}")
        if output.format_of(as_json=as_json) != "table":
            output.show(sent, lambda: None, as_json=as_json)
            return
        code = str(click.prompt("The code that was sent", err=True))
    typed = code
    found = ask(runtime, lambda client: client.post(f"{path}/verify", {"code": typed}))

    def draw() -> None:
        wakes = "wakes you at night" if found["urgent"] else "does not wake you at night"
        output.line(f"{found['method']} {found['address']} is verified; it {wakes}")

    output.show(found, draw, as_json=as_json)


@notify.command()
@click.option("--method", type=INDEX, help="Only this one, by its number.")
@output.format_option
@click.pass_obj
def test(runtime: Runtime, *, method: int | None, as_json: bool | None) -> None:
    """Send yourself a test by each of your contact methods; ends with 6 when one fails."""

    async def tests(client: Client) -> list[dict[str, Any]]:
        contacts = (await client.get("/me/contacts"))["items"]
        chosen = [one for one in contacts if method is None or one["index"] == method]
        if not chosen:
            raise NotFound("there is no such contact method; see `tocsin notify methods`")
        return [
            one | {"test": await client.post(f"/me/contacts/{one['index']}/test")}
            for one in chosen
        ]

    found = ask(runtime, tests)

    def draw() -> None:
        for one in found:
            said = one["test"]["outcome"] or "not known"
            took = one["test"].get("latency_s")
            after = f" after {took:.1f} s" if took is not None else ""
            why = f": {one['test']['error']}" if one["test"]["error"] else ""
            output.line(f"{one['index']}  {one['method']} {one['address']}  {said}{after}{why}")

    output.show(found, draw, as_json=as_json)
    failed = [one["method"] for one in found if one["test"]["outcome"] != SENT]
    if failed:
        raise Unavailable(f"the test failed by {', '.join(failed)}")


@notify.command()
@click.option("--remove", metavar="ID", help="Push reaches this browser no more.")
@output.format_option
@click.pass_obj
def devices(runtime: Runtime, *, remove: str | None, as_json: bool | None) -> None:
    """List the browsers by which push reaches you; they subscribe under Contact methods."""
    if remove is not None:
        ask(runtime, lambda client: client.send("DELETE", f"/me/push/{remove}"))
    found = ask(runtime, lambda client: client.get("/me/push"))["items"]

    def draw() -> None:
        if not found:
            output.line("No browser is subscribed: open Account, Contact methods on a phone.")
            return
        output.table(
            ("id", "browser", "since (UTC)", "last arrived (UTC)", "last error"),
            (
                (
                    one["id"], one["name"], output.when(one["added_at"]),
                    output.when(one["received_at"]) if one["received_at"] else "never",
                    one["error"],
                )
                for one in found
            ),
        )  # fmt: skip

    output.show(found, draw, as_json=as_json)


def _last(test: dict[str, Any] | None) -> str:
    if test is None:
        return "never"
    said = "received" if test["received_at"] else test["outcome"] or "not known"
    return f"{output.when(test['started_at'])} {said}"
