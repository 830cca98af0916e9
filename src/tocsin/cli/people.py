"""Commands about people: who there is, and what access they have."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import click

from tocsin.cli import output
from tocsin.cli.client import Runtime, ask
from tocsin.kernel.access import Role

PERSON_ROLES = click.Choice(
    [role.value for role in Role if role not in (Role.SYSTEM, Role.INTEGRATION)]
)


@click.group()
def person() -> None:
    """See who there is, and give and take access."""


@person.command("list")
@output.format_option
@click.pass_obj
def people(runtime: Runtime, *, as_json: bool | None) -> None:
    """List everybody with their access."""
    found = ask(runtime, lambda client: client.get("/people"))["items"]
    output.show(found, lambda: _draw_people(found), as_json=as_json)


def _draw_people(found: Sequence[dict[str, Any]]) -> None:
    output.table(
        ("NAME", "", "ROLE", "ACCESS", "TEAMS", "LAST SIGN-IN"),
        (
            (
                one["name"], one["display_name"], one["role"] or "", one["state"] or "",
                ", ".join(f"{each['team']}: {each['role']}" for each in one["teams"]),
                output.when(one["signed_in_at"]),
            )
            for one in found
        ),
    )  # fmt: skip


@person.command()
@click.argument("name")
@click.option("--role", type=PERSON_ROLES, required=True)
@click.pass_obj
def invite(runtime: Runtime, *, name: str, role: str) -> None:
    """Give somebody access, and print the link by which they choose a password.

    It works once and lasts a week. NAME is the name of a resource Person.
    """
    click.echo(_ask_of(runtime, name, "invite", {"role": role})["url"])


@person.command()
@click.argument("name")
@click.pass_obj
def reset(runtime: Runtime, *, name: str) -> None:
    """Print a link by which somebody chooses a new password.

    It works once and lasts a day.
    """
    click.echo(_ask_of(runtime, name, "reset")["url"])


@person.command()
@click.argument("name")
@click.argument("role", type=PERSON_ROLES)
@click.pass_obj
def role(runtime: Runtime, *, name: str, role: str) -> None:
    """Change what somebody may do."""
    found = _ask_of(runtime, name, "role", {"role": role})
    output.line(f"{found['display_name']} is {found['role']}.")


@person.command()
@click.argument("name")
@click.pass_obj
def disable(runtime: Runtime, *, name: str) -> None:
    """End somebody's access: sessions, tokens and links."""
    found = _ask_of(runtime, name, "disable")
    output.line(f"{found['display_name']} has no access any more; schedules stay as they are.")


@person.command()
@click.argument("name")
@click.pass_obj
def enable(runtime: Runtime, *, name: str) -> None:
    """Let somebody sign in again."""
    found = _ask_of(runtime, name, "enable")
    output.line(f"{found['display_name']} may sign in again, as {found['role']}.")


def _ask_of(runtime: Runtime, name: str, verb: str, body: object = None) -> dict[str, Any]:
    path = f"/people/{quote(name, safe='')}/{verb}"
    found: dict[str, Any] = ask(runtime, lambda client: client.post(path, body))
    return found
