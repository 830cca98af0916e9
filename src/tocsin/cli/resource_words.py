"""How a plan, a diff and a history look on a terminal."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import click

from tocsin.cli import output

SIGNS = {
    "created": ("+", "green"),
    "changed": ("~", "yellow"),
    "deleted": ("-", "red"),
    "scheduled": ("@", "cyan"),
    "cancelled": ("x", "magenta"),
}
HIDDEN = "(private)"


def draw_applied(applied: dict[str, Any]) -> None:
    """Say what was changed; what stays as it is is counted."""
    said = [str(one) for one in applied["changes"]]
    told = [one for one in said if not one.startswith("unchanged ")]
    for change in told:
        output.line(change)
    if len(told) < len(said):
        output.line(f"{len(said) - len(told)} unchanged")
    _warn(applied)
    state = "is in force" if applied["changed"] else "stays: nothing changed"
    output.line(f"Revision {applied['revision']} {state}.")


def _warn(found: dict[str, Any]) -> None:
    for warning in found.get("warnings", ()):
        _say(f"warning: {warning}", "yellow")


def draw_plan(plan: dict[str, Any]) -> None:
    """Say what people would notice, then what changes, field by field."""
    if not plan["changed"]:
        _warn(plan)
        output.line(f"Nothing would change. Revision {plan['revision']} is in force.")
        return
    for sentence in plan["words"]:
        _say(f"* {sentence}", "bold red" if sentence.startswith("nobody ") else "bold")
    _warn(plan)
    if plan["words"] or plan.get("warnings"):
        output.line("")
    for change in _changes(plan):
        sign, colour = SIGNS[change["action"]]
        _say(f"{sign} {_name(change)}", colour)
        if change["action"] == "deleted":
            continue
        for field in change["fields"]:
            _say(f"    {_field(field)}")
    unchanged = len(plan["changes"]) - len(_changes(plan))
    output.line(f"{len(_changes(plan))} to change, {unchanged} unchanged.")


def draw_diff(plan: dict[str, Any]) -> None:
    """Show a plan as a unified diff of fields: the server's side with -, the files' with +."""
    changes = _changes(plan)
    if not changes:
        _say("Files and server agree.")
    for change in changes:
        _say(f"--- {_name(change)} (server)", "bold")
        _say(f"+++ {_name(change)} (files, {change['action']})", "bold")
        for field in change["fields"]:
            if field.get("secret"):
                _say(f" {_field(field)}")
                continue
            for sign, side, colour in (("-", "before", "red"), ("+", "after", "green")):
                text = _side(field, side)
                if text is not None:
                    _say(f"{sign}{field['path']}: {text}", colour)


def draw_history(history: dict[str, Any], limit: int) -> None:
    """Show who changed what, newest first, after what is to come."""
    for coming in history["scheduled"]:
        since = output.when(coming["effective_from"])
        state = f"failed: {coming['failure']}" if coming["failure"] else "scheduled"
        _say(f"@ {since}  {state}  by {coming['scheduled_by_name']}", "cyan")
        _draw_fields(coming["fields"])
    for one in history["versions"][:limit]:
        verb = "deleted" if one["deleted"] else f"managed by {one['managed_by']}"
        head = f"{one['version']:>4}  {output.when(one['at'])}  revision {one['revision']}"
        _say(f"{head}  by {one['by_name']}  {verb}", "bold")
        _draw_fields([] if one["deleted"] else one["fields"])


def _draw_fields(fields: Sequence[dict[str, Any]]) -> None:
    import msgspec

    from tocsin.kernel.resources.differences import leaves
    from tocsin.kernel.resources.model import FieldChange

    for field in fields:
        for leaf in leaves(msgspec.convert(field, FieldChange)):
            _say(f"      {_field(msgspec.structs.asdict(leaf))}")


def _changes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in plan["changes"] if one["action"] != "unchanged"]


def _name(change: dict[str, Any]) -> str:
    since = change["effective_from"]
    said = f"{change['kind']}/{change['name']}"
    return f"{said} from {since}" if since else said


def _field(field: dict[str, Any]) -> str:
    before, after = (_side(field, side) for side in ("before", "after"))
    if field.get("secret"):
        return f"{field['path']}: secret changed"
    if after == HIDDEN:
        return f"{field['path']}: changed {HIDDEN}"
    if before is None:
        return f"{field['path']}: {after}"
    return f"{field['path']}: {before} -> {after if after is not None else 'not there'}"


def _side(field: dict[str, Any], side: str) -> str | None:
    value = field[side]
    if value is None:
        is_hidden = field["private"] and field["before"] is None and field["after"] is None
        return HIDDEN if is_hidden and side == "after" else None
    return json.dumps(value, ensure_ascii=False)


def _say(words: str, style: str = "") -> None:
    text = output.text(words)
    text.stylize(style)
    output.console().print(text, soft_wrap=True)


def pairs(text: str) -> Iterator[str]:
    """Split KIND/NAME, for a command's argument."""
    kind, slash, name = text.partition("/")
    if not (kind and slash and name):
        raise click.BadParameter("write KIND/NAME, e.g. Schedule/primary")
    yield from (kind, name)
