"""`tocsin notify`: by what one is paged oneself, and whether it works."""

from typing import Any

import click

from tocsin.cli import output
from tocsin.cli.client import Client, Runtime, ask
from tocsin.kernel.errors import NotFound, Unavailable

SENT = "sent"


@click.group()
def notify() -> None:
    """See by what you are paged, and test it."""


@notify.command("list")
@output.format_option
@click.pass_obj
def list_contacts(runtime: Runtime, *, as_json: bool | None) -> None:
    """List your contact methods in the order in which they are tried, addresses masked."""
    found = ask(runtime, lambda client: client.get("/me/contacts"))["items"]

    def draw() -> None:
        if not found:
            output.line("No contact method: nobody can page you. Write one under spec.contact.")
            return
        output.table(
            ("#", "by", "address", "text that leaves", "last test (UTC)"),
            (
                (
                    str(one["index"]), one["method"], one["address"], one["show"],
                    _last(one["last_test"]),
                )
                for one in found
            ),
        )  # fmt: skip

    output.show(found, draw, as_json=as_json)


@notify.command()
@click.option("--method", type=click.IntRange(min=0), help="Only this one, by its number.")
@output.format_option
@click.pass_obj
def test(runtime: Runtime, *, method: int | None, as_json: bool | None) -> None:
    """Send yourself a test by each of your contact methods; ends with 6 when one fails."""

    async def tests(client: Client) -> list[dict[str, Any]]:
        contacts = (await client.get("/me/contacts"))["items"]
        chosen = [one for one in contacts if method is None or one["index"] == method]
        if not chosen:
            raise NotFound("there is no such contact method; see `tocsin notify list`")
        return [
            one | {"test": await client.post(f"/me/contacts/{one['index']}/test")}
            for one in chosen
        ]

    found = ask(runtime, tests)

    def draw() -> None:
        for one in found:
            said = one["test"]["outcome"] or "not known"
            why = f": {one['test']['error']}" if one["test"]["error"] else ""
            output.line(f"{one['index']}  {one['method']} {one['address']}  {said}{why}")

    output.show(found, draw, as_json=as_json)
    failed = [one["method"] for one in found if one["test"]["outcome"] != SENT]
    if failed:
        raise Unavailable(f"the test failed by {', '.join(failed)}")


def _last(test: dict[str, Any] | None) -> str:
    if test is None:
        return "never"
    return f"{output.when(test['started_at'])} {test['outcome'] or 'not known'}"
