"""`tocsin page` and `tocsin oncall`: who is called, and why."""

from typing import Any

import click

from tocsin.cli import output
from tocsin.cli.client import Client, Runtime, ask
from tocsin.kernel.errors import Invalid, NotFound


@click.group()
def page() -> None:
    """Page somebody, and explain who was called for an incident."""


@page.command()
@click.argument("reference", metavar="INC-12")
@click.option("--person", help="The name of a person, as `maya`.")
@click.option("--policy", help="The name of an escalation policy.")
@output.format_option
@click.pass_obj
def request(
    runtime: Runtime,
    *,
    reference: str,
    person: str | None,
    policy: str | None,
    as_json: bool | None,
) -> None:
    """Page a person, or by a policy, for an incident, beside whoever has it already.

    They get a page of their own, and must acknowledge it themselves.
    """
    if (person is None) == (policy is None):
        raise Invalid("name either --person or --policy", field="person")

    async def question(client: Client) -> dict[str, Any]:
        from urllib.parse import quote

        asked = {"person": person} if person else {"policy": policy}
        path = f"/incidents/{quote(reference, safe='')}/page"
        found: dict[str, Any] = await client.post(path, asked)
        return found

    found = ask(runtime, question)
    whom = found["asked_person"]["name"] if found["asked_person"] else found["policy"]
    output.show(
        found,
        lambda: output.line(f"{reference}: {whom} is paged; page {found['id']}."),
        as_json=as_json,
    )


@page.command()
@click.argument("page_id", metavar="ID")
@output.format_option
@click.pass_obj
def why(runtime: Runtime, *, page_id: str, as_json: bool | None) -> None:
    """Say whom a page called, by what, what it waits for, and why; or why nobody was called.

    ID is a page's id, or INC-12 for an incident with all its pages, or with none.
    """

    async def question(client: Client) -> dict[str, Any]:
        from urllib.parse import quote

        wanted = quote(page_id, safe="")
        of = "incidents" if page_id.upper().startswith("INC-") else "pages"
        path = f"/incidents/{wanted}/why" if of == "incidents" else f"/pages/{wanted}"
        found: dict[str, Any] = await client.get(path)
        return found

    found = ask(runtime, question)
    draw = _draw_explained if "verdict" in found else _draw_why
    output.show(found, lambda: draw(found), as_json=as_json)


@click.group()
def oncall() -> None:
    """Say who answers."""


@oncall.command()
@click.argument("schedule", required=False)
@output.format_option
@click.pass_obj
def who(runtime: Runtime, *, schedule: str | None, as_json: bool | None) -> None:
    """Say who is on call now, until when, and who comes next."""
    found = ask(runtime, lambda client: client.get("/oncall"))["schedules"]
    if schedule is not None:
        found = [one for one in found if one["name"] == schedule]
        if not found:
            raise NotFound(f"no schedule {schedule}; `tocsin oncall who` shows them all")

    def draw() -> None:
        if not found:
            output.line("No schedules yet; bring them with `tocsin apply -f DIR`.")
            return
        output.table(
            ("schedule", "slot", "on call", "until (UTC)", "next"),
            (
                (
                    one["name"],
                    one.get("slot", ""),
                    _people(one["now"]),
                    output.when(one["now"]["end_at"] if one["now"] else None),
                    _people(one["next"]),
                )
                for one in found
            ),
        )

    output.show(found, draw, as_json=as_json)


def _people(shift: dict[str, Any] | None) -> str:
    if shift is None:
        return "nobody"
    return ", ".join(one["name"] for one in shift.get("people") or [shift["person"]])


def draw_page(found: dict[str, Any]) -> None:
    """Print a page with its messages."""
    output.heading(f"Page {found['id']}")
    by = found["acknowledged_by"]
    output.fields(
        (
            ("state", found["state"] + (", UNPAGEABLE" if found["unpageable"] else "")),
            ("urgency", "low" if found.get("urgency") == "low" else ""),
            ("reassigned to", found.get("assigned", "")),
            ("policy", found["policy"] or _asked(found)),
            ("acknowledged", _acknowledged(found, by)),
            ("next page at", found["next_at"] and output.when(found["next_at"]) + " UTC"),
        )
    )
    if found["notifications"]:
        output.line("")
        output.table(
            ("queued (UTC)", "rung", "person", "by", "state", "attempts"),
            (
                (
                    output.when(one["queued_at"]), _rung(one), one["person"]["name"],
                    one["method"], _state(one), _attempts(one),
                )
                for one in found["notifications"]
            ),
        )  # fmt: skip


def _draw_explained(found: dict[str, Any]) -> None:
    output.heading(f"{found['reference']}  {found['title']}")
    output.line(found["verdict"])
    for reason in found["sorted_by"]:
        output.line(f"  {reason}")
    for one in found["pages"]:
        output.heading(f"Page {one['id']}: {one['policy'] or 'asked for'}, {one['state']}")
        output.line(one["verdict"])
        output.table(
            ("at (UTC)", "what, and why"),
            ((output.when(because["at"]), because["words"]) for because in one["because"]),
        )
        at = f" at {output.when(one['next_at'])} UTC" if one["next_at"] else ""
        output.line(f"{one['next_words']}{at}.")


def _draw_why(found: dict[str, Any]) -> None:
    incident = found["incident"]
    output.heading(f"{incident['reference']}  {incident['title']}")
    draw_page(found)
    policy = found["policy_now"]
    output.heading(f"Policy {policy['name'] or 'none'}, as it is now")
    rows = [
        (str(at), _targets(step["targets"]), f"{step['timeout_s']} s")
        for at, step in enumerate(policy["steps"], 1)
    ]
    every = f"every {policy['catch_all_every_s']} s"
    rows.append(("catch-all", _targets(policy["catch_all"]) or "nobody", every))
    output.table(("step", "calls", "then waits"), rows)
    output.line(f"Rounds after the first, before the catch-all: {policy['repeat']}.")
    output.heading("What has happened (UTC)")
    entries = reversed(found["log"])
    output.table(("at", "what"), ((output.when(one["at"]), one["sentence"]) for one in entries))


def _acknowledged(found: dict[str, Any], by: dict[str, Any] | None) -> str:
    if found["acknowledged_at"] is None:
        return ""
    via = found.get("acknowledged_via")
    who = f" by {by['name']}" if by else f" at {via}" if via else ""
    return f"{output.when(found['acknowledged_at'])} UTC{who}"


def _asked(found: dict[str, Any]) -> str:
    asked = found.get("asked_person")
    return f"none: {asked['name']} was asked for" if asked else "none"


def _state(one: dict[str, Any]) -> str:
    return "seen" if one.get("seen_at") else str(one["state"])


def _rung(one: dict[str, Any]) -> str:
    if one["catch"]:
        return f"catch-all {one['catch']}"
    again = f", repeat {one['loop']}" if one["loop"] else ""
    return f"step {one['step'] + 1}{again}"


def _attempts(one: dict[str, Any]) -> str:
    return "; ".join(
        f"{_state_of(attempt)}"
        + (f", {attempt['show']}" if attempt.get("show", "") not in ("", "full") else "")
        + (f" ({_why(attempt)})" if _why(attempt) else "")
        for attempt in one["attempts"]
    )


def _state_of(attempt: dict[str, Any]) -> str:
    """Say how far it got: a receipt tells more than the provider's first answer."""
    if attempt["outcome"] is None:
        return "not known"
    if attempt["outcome"] != "sent":
        return str(attempt["outcome"])
    return str(attempt.get("state") or "sent")


def _why(attempt: dict[str, Any]) -> str:
    lost = attempt.get("state") == "failed" and attempt.get("receipt")
    return str(attempt["error"] or lost or "")


def _targets(targets: list[dict[str, Any]]) -> str:
    return ", ".join(f"{one['kind']} {one['name']}" for one in targets)
