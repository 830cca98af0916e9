"""`tocsin page snooze | reassign | hand-back | acknowledge`: what is done to one page."""

from typing import Any
from urllib.parse import quote

import click

from tocsin.cli import output
from tocsin.cli.client import Client, Runtime, ask
from tocsin.kernel.errors import Invalid, NotFound

_ID = click.argument("page_id", metavar="ID")


async def page_path(client: Client, given: str) -> str:
    """Return the path of a page, by its id or by INC-12: that incident's newest that is not over."""
    if not given.upper().startswith("INC-"):
        return f"/pages/{quote(given, safe='')}"
    pages = (await client.get(f"/incidents/{quote(given, safe='')}"))["pages"]
    left = [one for one in pages if one["state"] != "resolved"]
    if not left:
        raise NotFound(f"no page of {given} is open")
    return f"/pages/{left[-1]['id']}"


def _do(runtime: Runtime, page_id: str, verb: str, body: dict[str, Any] | None) -> Any:
    async def question(client: Client) -> Any:
        path = await page_path(client, page_id)
        return await client.post(f"{path}/{verb}", body)

    return ask(runtime, question)


def _say(found: dict[str, Any], words: str, *, as_json: bool | None) -> None:
    output.show(found, lambda: output.line(f"{words}; page {found['id']}."), as_json=as_json)


@click.command()
@_ID
@output.format_option
@click.pass_obj
def acknowledge(runtime: Runtime, *, page_id: str, as_json: bool | None) -> None:
    """Take one page: nobody else is called for it.

    ID is a page's id, or INC-12 for the newest page of an incident that is not over.
    """
    found = _do(runtime, page_id, "acknowledge?channel=cli", None)
    _say(found, "Acknowledged", as_json=as_json)


@click.command()
@_ID
@click.option("--for", "lasts", metavar="DURATION", help="How long, as 30m or 4h; at most 7d.")
@click.option("--until", metavar="INSTANT", help="Until when, as 2026-03-27T18:00:00Z.")
@output.format_option
@click.pass_obj
def snooze(
    runtime: Runtime,
    *,
    page_id: str,
    lasts: str | None,
    until: str | None,
    as_json: bool | None,
) -> None:
    """Put a page off: nobody is called before then, and then its first step again.

    ID is a page's id, or INC-12 for the newest page of an incident that is not over.
    """
    if (lasts is None) == (until is None):
        raise Invalid("say either --for or --until", field="for")
    body = {"for": lasts} if lasts else {"until": until}
    found = _do(runtime, page_id, "snooze?channel=cli", body)
    _say(found, f"Snoozed until {output.when(found['waits_until'])} UTC", as_json=as_json)


@click.command()
@_ID
@click.option("--person", help="The name of a person, as `maya`.")
@click.option("--schedule", help="Whoever is on call for this schedule.")
@click.option("--slot", help="Of that schedule, as `secondary`.")
@click.option("--team", help="All members of this team.")
@click.option("--policy", help="Another escalation policy.")
@output.format_option
@click.pass_obj
def reassign(  # noqa: PLR0913 - one an option
    runtime: Runtime,
    *,
    page_id: str,
    person: str | None,
    schedule: str | None,
    slot: str | None,
    team: str | None,
    policy: str | None,
    as_json: bool | None,
) -> None:
    """Hand a page on: they are called at once, and its policy after them.

    ID is a page's id, or INC-12 for the newest page of an incident that is not over.
    """
    given = {
        "person": person, "schedule": schedule, "slot": slot, "team": team, "policy": policy,
    }  # fmt: skip
    body = {name: value for name, value in given.items() if value}
    if len(body.keys() - {"slot"}) != 1:
        raise Invalid("name one of --person, --schedule, --team and --policy", field="person")
    found = _do(runtime, page_id, "reassign", body)
    whom = found["assigned"] or f"policy {found['policy']}"
    _say(found, f"Reassigned to {whom}", as_json=as_json)


@click.command("hand-back")
@_ID
@output.format_option
@click.pass_obj
def hand_back(runtime: Runtime, *, page_id: str, as_json: bool | None) -> None:
    """Take an acknowledgement back, or end a snooze: people are called again.

    ID is a page's id, or INC-12 for the newest page of an incident that is not over.
    """
    found = _do(runtime, page_id, "hand-back", None)
    _say(found, "Handed back: people are called again", as_json=as_json)


VERBS = (acknowledge, snooze, reassign, hand_back)
