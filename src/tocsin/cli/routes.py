"""`tocsin route`, `tocsin policy`, `tocsin service`: where alerts go, and whom they call."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import msgspec

from tocsin.cli import output
from tocsin.cli.alerts import named
from tocsin.cli.client import Runtime, ask
from tocsin.kernel.durations import written
from tocsin.kernel.errors import Invalid

FILE_MAX = 1024 * 1024


@click.group()
def route() -> None:
    """Say where alerts go."""


@route.command("list")
@output.format_option
@click.pass_obj
def list_routes(runtime: Runtime, *, as_json: bool | None) -> None:
    """List the routes in the order in which they are asked."""
    found = ask(runtime, lambda client: client.get("/routes"))

    def draw() -> None:
        output.table(
            ("route", "matchers", "goes on", "policy", "alerts in 7 days"),
            (
                (
                    one["name"], ", ".join(one["matchers"]) or "everything",
                    "yes" if one["goes_on"] else "", one["policy"] or "default",
                    one["alerts_lately"],
                )
                for one in found["items"]
            ),
        )  # fmt: skip

    output.show(found, draw, as_json=as_json)


@route.command("try")
@click.argument("words", metavar="FILE|LABEL=VALUE...", nargs=-1, required=True)
@output.format_option
@click.pass_obj
def try_(runtime: Runtime, *, words: tuple[str, ...], as_json: bool | None) -> None:
    """Say which routes an alert takes and whom that calls; nothing is sent.

    FILE holds the labels as a JSON object, or an alert, or a list of alerts of which the first
    is tried.
    """
    labels = _from_file(words[0]) if len(words) == 1 and "=" not in words[0] else named(words)
    found = ask(runtime, lambda client: client.post("/routes/try", {"labels": labels}))
    output.show(found, lambda: _draw_trial(found), as_json=as_json)


def _from_file(name: str) -> dict[str, str]:
    path = Path(name)
    if not path.is_file():
        raise Invalid(
            f"there is no file {name}; write labels as service=checkout", field="labels"
        )
    if path.stat().st_size > FILE_MAX:
        raise Invalid(f"{name} is larger than 1 MiB", field="labels")
    try:
        found = msgspec.json.decode(path.read_bytes())
        first = found[0] if isinstance(found, list) else found
        alert = first["alerts"][0] if "alerts" in first else first
        return msgspec.convert(alert.get("labels", alert), dict[str, str])
    except (msgspec.DecodeError, msgspec.ValidationError, LookupError, TypeError) as error:
        raise Invalid(
            f"{name} holds no labels; write a JSON object of names and values", field="labels"
        ) from error


def _draw_trial(found: dict[str, Any]) -> None:
    output.heading("This alert")
    wait = found["calls_after_seconds"]
    output.fields(
        (
            ("takes", ", then ".join(found["taken"])),
            ("grouped by", output.labels(found["group_labels"]) or "the route alone"),
            ("urgency", found["urgency"]),
            ("service", found["service"]),
            ("team", found["team"]),
            ("calls", "after " + written(wait) if wait else "at once"),
            *((f"policy {one['name']}", one["today"]) for one in found["policies"]),
            ("", "" if found["policies"] else "It calls nobody."),
        )
    )
    output.table(
        ("route", "outcome", "matchers"),
        (
            (
                one["name"],
                "taken" if one["taken"] else "does not match" if one["asked"] else "not asked",
                ", ".join(
                    f"{'' if m['holds'] else 'not '}{m['matcher']}" for m in one["matchers"]
                ),
            )
            for one in found["routes"]
        ),
    )


@click.group()
def policy() -> None:
    """Say whom escalation policies call."""


@policy.command("list")
@output.format_option
@click.pass_obj
def list_policies(runtime: Runtime, *, as_json: bool | None) -> None:
    """List the policies and whom each would call now."""
    found = ask(runtime, lambda client: client.get("/policies"))

    def draw() -> None:
        if not found["items"]:
            output.line("No policies. Write one in YAML and run `tocsin apply`.")
            return
        output.table(
            ("policy", "calls now", "warnings"),
            ((one["name"], one["today"], "; ".join(one["warnings"])) for one in found["items"]),
        )

    output.show(found, draw, as_json=as_json)


@policy.command("show")
@click.argument("name")
@output.format_option
@click.pass_obj
def show_policy(runtime: Runtime, *, name: str, as_json: bool | None) -> None:
    """Show a policy as a line in time, as it would run from now on."""
    found = ask(runtime, lambda client: client.get(f"/policies/{quote(name, safe='')}"))
    output.show(found, lambda: _draw_policy(found), as_json=as_json)


def _draw_policy(found: dict[str, Any]) -> None:
    output.heading(f"{found['name']}: {found['today']}")
    every_s, lasts_s = found["catch_all_every_seconds"], found["ack_timeout_seconds"]
    steps = [*found["steps"], *([found["catch_all"]] if found["catch_all"] else [])]
    output.table(("after", "calls", "named", "warnings"), (_step(one) for one in steps))
    output.fields(
        (
            ("rounds", found["rounds"]),
            ("catch-all every", written(every_s) if every_s else ""),
            ("acknowledgement", written(lasts_s) if lasts_s else "until resolved"),
            *(("warning", one) for one in found["warnings"]),
        )
    )


def _step(one: dict[str, Any]) -> Sequence[object]:
    return (
        "+" + written(one["at_seconds"]),
        ", ".join(person["name"] for person in one["people"]) or "nobody",
        ", ".join(f"{target['kind']} {target['name']}" for target in one["targets"]),
        "; ".join(one["warnings"]),
    )


@click.group()
def service() -> None:
    """Say whose services are, and what goes on around them."""


@service.command("list")
@click.option("--team", default="", help="Only what this team owns.")
@output.format_option
@click.pass_obj
def list_services(runtime: Runtime, *, team: str, as_json: bool | None) -> None:
    """List the services."""
    found = ask(runtime, lambda client: client.get("/services", team=team or None))

    def draw() -> None:
        if not found["items"]:
            output.line("No services. Write one in YAML and run `tocsin apply`.")
            return
        output.table(
            ("service", "owner", "tier", "incidents", "firing", "on call"),
            (
                (
                    one["name"], one["owner"], one["tier"], ", ".join(one["open_incidents"]),
                    one["alerts_firing"], ", ".join(one["on_call"]) or "nobody",
                )
                for one in found["items"]
            ),
        )  # fmt: skip

    output.show(found, draw, as_json=as_json)


@service.command("show")
@click.argument("name")
@output.format_option
@click.pass_obj
def show_service(runtime: Runtime, *, name: str, as_json: bool | None) -> None:
    """Show a service with its links, runbooks and who is on call."""
    found = ask(runtime, lambda client: client.get(f"/services/{quote(name, safe='')}"))

    def draw() -> None:
        output.heading(found["display_name"])
        output.fields(
            (
                ("description", found["description"]),
                ("owner", found["owner"]),
                ("tier", found["tier"]),
                ("firing", found["alerts_firing"]),
                ("incidents", ", ".join(found["open_incidents"])),
                ("on call", ", ".join(found["on_call"]) or "nobody"),
                ("routes", ", then ".join(found["routes"])),
                *((f"policy {one['name']}", one["today"]) for one in found["policies"]),
                *(("runbook", url) for url in found["runbooks"]),
                *((one["title"], one["url"]) for one in found["links"]),
            )
        )

    output.show(found, draw, as_json=as_json)
