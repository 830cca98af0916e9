"""Commands about access: who am I, log in, tokens, links."""

from typing import Any
from urllib.parse import quote

import click

from tocsin.cli import output
from tocsin.cli.client import Client, Runtime, ask
from tocsin.kernel.access import Role
from tocsin.kernel.errors import Invalid, Unavailable

ROLES = click.Choice([role.value for role in Role if role is not Role.SYSTEM])
UNLIMITED = "unlimited"
_EXPIRES = click.option(
    "--expires", metavar="90d|never", help="How long it works; a machine's: until revoked."
)
_TEAM = click.option(
    "--team", "teams", multiple=True, help="Limit the role to this team; repeatable."
)


@click.command()
@click.argument("url", required=False)
@click.option("--name", help="Your name or e-mail address; asked for if it is not given.")
@click.option("--token", "given", is_flag=True, help="Paste a token instead of a password.")
@click.option(
    "--as", "called", default="cli", show_default=True, help="What the token is called."
)
@click.option("--expires", default="90d", show_default=True, help="How long it works.")
@click.pass_obj
def login(
    runtime: Runtime, *, url: str | None, name: str | None, given: bool, called: str,
    expires: str,
) -> None:  # fmt: skip
    """Log in to the Tocsin at URL, and keep a token of yours for later commands.

    The token stands in ~/.config/tocsin/config.toml (or below XDG_CONFIG_HOME), which only you
    can read. Logging in again replaces it. The password goes over the wire once and is kept nowhere.
    """
    from tocsin.cli import config

    there = (url or runtime.settings().base_url).rstrip("/")
    if not there.startswith(("https://", "http://")):
        raise Invalid(f"{there!r} is no URL; write https://tocsin.example.org", field="url")
    if given:
        token = click.prompt("Token", hide_input=True, err=True).strip()
    else:
        who = name or click.prompt("Name or e-mail address", err=True)
        password = click.prompt("Password", hide_input=True, err=True)
        body = {"name": who, "password": password, "token": called, "expires_in": expires}
        token = _at(there, None, "POST", "/login", body)["token"]
    me = _at(there, token, "GET", "/me")
    path = config.write(config.Saved(there, token))
    output.line(f"Logged in to {there} as {me['person'] or me['name']} ({me['role']}).")
    output.line(f"The token is in {path}.")


@click.command()
def logout() -> None:
    """Forget the login of this machine, and revoke its token."""
    from tocsin.cli import config
    from tocsin.kernel.errors import Refused

    saved = config.read()
    if not saved.token:
        output.line("Nobody is logged in here.")
        return
    try:
        token_id = _at(saved.url, saved.token, "GET", "/me")["id"]
        _at(saved.url, saved.token, "DELETE", f"/me/tokens/{token_id}")
        said = "Logged out; the token is revoked."
    except Refused as error:
        said = f"Logged out here; the token was not revoked: {error.detail}"
    config.forget()
    output.line(said)


def _at(
    url: str, token: str | None, method: str, path: str, body: object = None
) -> dict[str, Any]:
    """Send one request to a Tocsin that is not configured yet."""
    import asyncio

    import httpx

    from tocsin.cli.client import TIMEOUT_S

    headers = {"authorization": f"Bearer {token}"} if token else {}

    async def conversation() -> dict[str, Any]:
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT_S) as http:
            found: dict[str, Any] = await Client(http).send(method, path, body)
            return found

    try:
        return asyncio.run(conversation())
    except httpx.InvalidURL as error:
        raise Unavailable(f"{url} is no address: {error}") from error


@click.command()
@output.format_option
@click.pass_obj
def whoami(runtime: Runtime, *, as_json: bool | None) -> None:
    """Say as whom commands act here, and what they may do."""
    me = ask(runtime, lambda client: client.get("/me"))
    teams = ", ".join(f"{one['team']}: {one['role']}" for one in me["teams"])

    def draw() -> None:
        output.fields(
            (
                ("name", me["person"] or me["name"]),
                ("by", f"{me['kind']} {me['name']}" if me["person"] else me["kind"]),
                ("role", me["role"]),
                ("teams", teams),
                ("may", " ".join(me["permissions"])),
            )
        )

    output.show(me, draw, as_json=as_json)


@click.group()
def token() -> None:
    """Give machines, and your own scripts, what they sign in with."""


@token.command()
@click.argument("name")
@click.option("--role", type=ROLES, help="What it may do; with --own your own role.")
@click.option(
    "--rate",
    default=UNLIMITED,
    show_default=True,
    metavar="N|unlimited",
    help="Alerts a second that intake takes from this token.",
)
@_EXPIRES
@_TEAM
@click.option("--integration", help="What it sends for; its own name by default.")
@click.option("--own", is_flag=True, help="A token of yours, which acts as you.")
@click.pass_obj
def create(  # noqa: PLR0913 - one a flag
    runtime: Runtime, *, name: str, role: str | None, rate: str, expires: str | None,
    teams: tuple[str, ...], integration: str | None, own: bool,
) -> None:  # fmt: skip
    """Create a token and print it, this once."""
    if role is None and not own:
        raise click.BadParameter("a token of a machine needs a role", param_hint="--role")
    if own and (rate != UNLIMITED or integration):
        raise click.BadParameter("only a machine's token sends alerts", param_hint="--own")
    wanted = {"role": role, "teams": teams, "integration": integration}
    body: dict[str, Any] = {"name": name, **{k: v for k, v in wanted.items() if v}}
    if not own:
        body["rate"] = _rate(rate)
    if expires is not None:
        body["expires_in"] = None if expires == "never" else expires
    path = "/me/tokens" if own else "/tokens"
    click.echo(ask(runtime, lambda client: client.post(path, body))["token"])


def _rate(text: str) -> int | None:
    if text == UNLIMITED:
        return None
    if not (text.isascii() and text.isdigit()):
        raise click.BadParameter("a whole number, or unlimited", param_hint="--rate")
    return int(text)


@token.command("list")
@click.option("--own", is_flag=True, help="Yours alone.")
@output.format_option
@click.pass_obj
def list_(runtime: Runtime, *, own: bool, as_json: bool | None) -> None:
    """List the tokens that work."""
    path = "/me/tokens" if own else "/tokens"
    found = ask(runtime, lambda client: client.get(path))["items"]

    def draw() -> None:
        output.table(
            ("NAME", "ROLE", "OF", "REACHES", "ENDS", "LAST USED"),
            (
                (
                    one["name"], one["role"], one["owner"] or "",
                    ", ".join(one["teams"]) or "everywhere",
                    output.when(one["expires_at"]) or "when revoked",
                    output.when(one["last_used_at"]) or "never",
                )
                for one in found
            ),
        )  # fmt: skip

    output.show(found, draw, as_json=as_json)


@token.command()
@click.argument("token", metavar="NAME|ID")
@click.option("--own", is_flag=True, help="One of yours.")
@click.pass_obj
def revoke(runtime: Runtime, *, token: str, own: bool) -> None:
    """Revoke a token: it opens nothing any more, within five seconds."""
    path = f"{'/me' if own else ''}/tokens/{quote(token, safe='')}"
    gone = ask(runtime, lambda client: client.send("DELETE", path))
    output.line(f"Token {gone['name']} ({gone['role']}) is revoked.")


@click.command()
@click.option("--role", type=ROLES, default=Role.ADMIN.value, show_default=True)
@click.pass_obj
def link(runtime: Runtime, role: str) -> None:
    """Print a URL that signs in, once.

    It lasts a day.
    """
    click.echo(
        ask(runtime, lambda client: client.post("/links/sign-in", {"role": role}))["url"]
    )
