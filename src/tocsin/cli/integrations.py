"""`tocsin integration` and `tocsin change`: how senders fare, trying a mapping, what changed."""

from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click
import msgspec

from tocsin.cli import output
from tocsin.cli.client import Client, Runtime, ask
from tocsin.kernel.errors import Invalid, NotFound, TooLarge

PAYLOAD_MAX = 512 * 1024
KNOWN_MAX = 10_000
NAMES_MAX = 20  # alternatives that a message lists
KIND = "Integration"
REFUSED = 2  # exit code of a try that found mistakes, as of any value that is not acceptable


@click.group()
def integration() -> None:
    """Show who sends signals, and try a mapping out."""


@integration.command("list")
@output.format_option
@click.pass_obj
def list_(runtime: Runtime, *, as_json: bool | None) -> None:
    """List the senders that are described or were heard of."""
    found = ask(runtime, lambda client: client.get("/integrations"))["items"]

    def draw() -> None:
        if not found:
            output.line(
                "Nobody sends yet; `tocsin token create NAME --role integration` makes a token."
            )
            return
        output.table(
            ("name", "type", "last message (UTC)", "last hour", "refused", "last error"),
            (
                (
                    one["name"], one["type"] or "", output.when(one["last_message_at"]),
                    sum(one["per_minute"]), one["refusals"], one["last_error"][:80],
                )
                for one in found
            ),
        )  # fmt: skip

    output.show(found, draw, as_json=as_json)


@integration.command()
@click.argument("name")
@output.format_option
@click.pass_obj
def show(runtime: Runtime, *, name: str, as_json: bool | None) -> None:
    """Show a sender: how it fares, and a line that sends a first signal."""
    found = _found(runtime, name)

    def draw() -> None:
        output.heading(found["name"])
        output.fields(
            (
                ("type", _kind(found)),
                ("about", found["description"]),
                ("team", found["team"]),
                ("labels added", output.labels(found["labels"])),
                ("last message", output.when(found["last_message_at"])),
                ("messages kept", found["messages"]),
                (
                    "signals",
                    f"{found['signals']} ({sum(found['per_minute'])} in the last hour)",
                ),
                ("not sorted yet", found["waiting"]),
                ("refused", found["refusals"]),
                ("last error", found["last_error"]),
                ("try", found["curl"]),
            )
        )

    output.show(found, draw, as_json=as_json)


@integration.command()
@click.argument("name")
@output.format_option
@click.pass_obj
def errors(runtime: Runtime, *, name: str, as_json: bool | None) -> None:
    """List the newest messages of a sender that were refused or could not be sorted."""
    found = _found(runtime, name)["errors"]

    def draw() -> None:
        if not found:
            output.line(f"Nothing of {name} was refused.")
            return
        output.table(
            ("at (UTC)", "status", "why"),
            ((output.when(one["at"]), one["status"] or "kept", one["error"]) for one in found),
        )

    output.show(found, draw, as_json=as_json)


@integration.command("try")
@click.option(
    "-f",
    "--file",
    "path",
    type=click.Path(path_type=Path, allow_dash=True),
    help="YAML with one document of kind Integration in place of NAME; - is standard input.",
)
@click.argument("words", metavar="[NAME] PAYLOAD", nargs=-1, required=True)
@output.format_option
@click.pass_obj
def try_(
    runtime: Runtime, *, path: Path | None, words: tuple[str, ...], as_json: bool | None
) -> None:
    """Say what signals a payload would make, or which expression is wrong.

    NAME, or the id, is an integration that is configured; PAYLOAD is a JSON file. Nothing is
    kept and nobody is paged. Ends with 2 when something is wrong.
    """
    if len(words) != (2 if path is None else 1):
        raise click.UsageError("write NAME PAYLOAD, or -f FILE PAYLOAD")
    payload = _payload(Path(words[-1]))

    async def question(client: Client) -> dict[str, Any]:
        spec = _spec(path) if path else await _configured(client, words[0])
        body = {"spec": spec, "payload": payload}
        answer: dict[str, Any] = await client.post("/integrations/try", body)
        return answer

    found = ask(runtime, question)
    output.show(found, lambda: _draw_tried(found), as_json=as_json)
    if found["mistakes"]:
        click.get_current_context().exit(REFUSED)


@click.group()
def change() -> None:
    """List what was deployed, switched or configured."""


@change.command("list")
@click.option("--service", help="Only of this service.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@output.format_option
@click.pass_obj
def list_changes(
    runtime: Runtime, *, service: str | None, limit: int, as_json: bool | None
) -> None:
    """List changes, newest first."""
    params = {"service": service} if service else {}
    found = ask(runtime, lambda client: client.items("/changes", limit, **params))

    def draw() -> None:
        if not found:
            output.line("No changes; senders report them to /v2/change/enqueue.")
            return
        output.table(
            ("at (UTC)", "service", "change", "source", "reported by"),
            (
                (
                    output.when(one["at"]), one["service"], one["summary"], one["source"],
                    one["integration"],
                )
                for one in found
            ),
        )  # fmt: skip

    output.show(found, draw, as_json=as_json)


def _found(runtime: Runtime, name: str) -> dict[str, Any]:
    from urllib.parse import quote

    found: dict[str, Any] = ask(
        runtime, lambda client: client.get(f"/integrations/{quote(name, safe='')}")
    )
    return found


def _kind(one: dict[str, Any]) -> str:
    return f"{one['type'] or 'unknown'}{'' if one['configured'] else ' (not configured)'}"


def _spec(path: Path) -> dict[str, Any]:
    from tocsin.cli import documents

    found = [
        one.document for one in documents.read([path]) if one.document.kind == "Integration"
    ]
    if len(found) != 1:
        raise Invalid(
            f"{path}: {len(found)} documents of kind Integration; name a file with one",
            field="file",
        )
    return found[0].spec


async def _configured(client: Client, reference: str) -> dict[str, Any]:
    """Return the spec of an integration, by its name or its id. Raises NotFound."""
    known = await client.items("/resources", KNOWN_MAX, kind=KIND)
    names = [one["name"] for one in known]
    name = next((one["name"] for one in known if reference in (one["name"], one["uid"])), None)
    if name is None:
        near = get_close_matches(reference, names, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        there = f"known: {', '.join(names[:NAMES_MAX])}" if names else "none is configured yet"
        raise NotFound(
            f"there is no {KIND} named {reference!r}; {hint}{there}; or name a file with -f",
            field="name",
        )
    found = await client.get(f"/resources/{KIND}/{name}")
    spec: dict[str, Any] = found["document"]["spec"]
    return spec


def _payload(path: Path) -> object:
    try:
        with path.open("rb") as opened:
            body = opened.read(PAYLOAD_MAX + 1)
    except OSError as error:
        raise Invalid(
            f"cannot read {path}: {error.strerror}; PAYLOAD is a file with what the sender posts",
            field="payload",
        ) from error
    if len(body) > PAYLOAD_MAX:
        raise TooLarge(f"{path}: larger than {PAYLOAD_MAX} bytes; no sender may send as much")
    try:
        found: object = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{path}: is not JSON: {error}", field="payload") from error
    return found


def _draw_tried(found: dict[str, Any]) -> None:
    if found["mistakes"]:
        output.table(
            ("field", "what is wrong"),
            ((one["field"], one["error"]) for one in found["mistakes"]),
        )
        return
    output.table(
        ("state", "labels", "annotations", "since (UTC)"),
        (
            (
                one["state"], output.labels(one["labels"]), output.labels(one["annotations"]),
                output.when(one["starts_at"]),
            )
            for one in found["signals"]
        ),
    )  # fmt: skip
