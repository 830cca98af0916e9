"""Commands for whoever runs Tocsin: start it, look after it, give access, talk to it raw."""

import errno

import click
import msgspec

import tocsin
from tocsin.cli import output
from tocsin.cli.client import API, Client, Runtime, ask
from tocsin.kernel.errors import Invalid, Refused
from tocsin.kernel.settings import Settings

KNOWN_ROLES = {"accept", "work"}
METHODS = click.Choice(["GET", "POST", "PUT", "PATCH", "DELETE"], case_sensitive=False)


@click.command()
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Equal processes.",
)
@click.option("--host", help="Address to listen on; else TOCSIN_HOST.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; else TOCSIN_PORT.")
@click.option("--roles", help="Any of accept,work; else TOCSIN_ROLES.")
@click.option("--worker", is_flag=True, hidden=True)
@click.pass_obj
def serve(
    runtime: Runtime,
    *,
    workers: int,
    host: str | None,
    port: int | None,
    roles: str | None,
    worker: bool,
) -> None:
    """Run Tocsin until SIGTERM."""
    settings = _settings(runtime, host=host, port=port, roles=roles)
    try:
        runtime.serve(settings, workers=1 if worker else workers)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise Refused(
            f"{settings.host}:{settings.port} is in use; stop what listens there, or choose"
            " another with --port"
        ) from error


@click.command()
@click.option("--host", help="Address to listen on; else TOCSIN_HOST.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; else TOCSIN_PORT.")
@click.pass_obj
def demo(runtime: Runtime, *, host: str | None, port: int | None) -> None:
    """Show a small organisation in trouble.

    Its simulated services raise, escalate and resolve real alerts for some minutes.
    """
    runtime.demo(_settings(runtime, host=host, port=port, roles=None))


def _settings(
    runtime: Runtime, *, host: str | None, port: int | None, roles: str | None
) -> Settings:
    settings = runtime.settings()
    wanted = tuple(one.strip() for one in roles.split(",")) if roles else settings.roles
    if unknown := set(wanted) - KNOWN_ROLES:
        raise Invalid(
            f"--roles: unknown {', '.join(sorted(unknown))}; known: accept, work",
            field="roles",
        )
    return msgspec.structs.replace(
        settings,
        host=host or settings.host,
        port=settings.port if port is None else port,
        roles=wanted,
    )


@click.command()
@output.format_option
@click.pass_obj
def doctor(runtime: Runtime, *, as_json: bool | None) -> None:
    """Look at everything Tocsin needs.

    Exit code 1 when something is wrong.
    """
    found = runtime.doctor()

    def draw() -> None:
        for check in found:
            mark = "✔" if check.ok else "✘"
            output.line(f"{mark} {check.name}" + (f": {check.detail}" if check.detail else ""))

    output.show(found, draw, as_json=as_json)
    if not all(check.ok for check in found):
        raise SystemExit(1)


@click.command()
@click.option(
    "--check", is_flag=True, help="Only say what is pending; exit code 1 if anything."
)
@click.option("--after", is_flag=True, help="Also what waits until no older Tocsin runs.")
@click.pass_obj
def migrate(runtime: Runtime, *, check: bool, after: bool) -> None:
    """Bring the database up to date."""
    found = runtime.migrate(check=check, after=after)
    for name in found:
        output.line(f"{'pending' if check else 'applied'} {name}")
    if not found:
        output.line("The database is up to date.")
    elif check:
        raise SystemExit(1)


@click.command()
@click.pass_obj
def reactions(runtime: Runtime) -> None:
    """Print what follows from what."""
    click.echo(runtime.reactions().rstrip("\n"))


@click.command()
@click.argument("method", type=METHODS)
@click.argument("path")
@click.option("-f", "--file", "file", help="Send this file's content; - for standard input.")
@click.option(
    "-d",
    "--data",
    "words",
    multiple=True,
    help="name=text or name:=JSON, repeatable; or a whole JSON body; @FILE reads it.",
)
@click.option("-H", "--header", "headers", multiple=True, help="'Name: value', repeatable.")
@click.pass_obj
def api(
    runtime: Runtime,
    *,
    method: str,
    path: str,
    file: str | None,
    words: tuple[str, ...],
    headers: tuple[str, ...],
) -> None:
    """Send one request and print the answer as it is.

    PATH is below /api/v1, e.g. `tocsin api GET /incidents?status=all`, or a whole path.
    """
    from tocsin.cli import raw

    whole = path.startswith(("/api/", "/health/", "/metrics", "/errors"))
    target = path if whole else f"{API}/{path.lstrip('/')}"
    content = raw.body(file, words)
    named = raw.named(headers)

    async def question(client: Client) -> bytes:
        return await client.raw(method.upper(), target, content=content, headers=named)

    click.echo(ask(runtime, question).rstrip(b"\n"))


@click.command()
def version() -> None:
    """Print the version."""
    click.echo(tocsin.__version__)


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a shell's completion script.

    Source it in the shell's start file, e.g. `eval "$(tocsin completion bash)"`.
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is None:
        raise AssertionError(f"click does not know {shell}")
    root = ctx.find_root()
    click.echo(found(root.command, {}, "tocsin", "_TOCSIN_COMPLETE").source())
