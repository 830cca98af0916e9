"""Writes docs/reference from the code, so that the two cannot tell different stories.

`tests/house/test_reference.py` fails while a page differs; `make docs` writes them all.
"""

import ast
import importlib
import inspect
import json
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args, get_type_hints

import click
import msgspec
from litestar import Litestar
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from prometheus_client import Counter, Gauge, Histogram

import tocsin
from tocsin.kernel import metrics as metric_source
from tocsin.kernel import settings as source
from tocsin.kernel.access import PERMISSIONS, VERBS, Role
from tocsin.kernel.errors import ALL
from tocsin.kernel.events import Event, kind_of

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "reference"
NOTE = "<!-- Written by tools/reference.py from the code: change it and run `make docs`. -->"


def settings() -> str:
    """List the variables an operator may set."""
    hints = get_type_hints(source.Settings, include_extras=True)
    rows = []
    for field in msgspec.structs.fields(source.Settings):
        _, meta = get_args(hints[field.name])
        variable = f"`{source.PREFIX}{field.name.upper()}`"
        if field.name in source.SECRETS:
            variable += f", `{source.PREFIX}{field.name.upper()}_FILE`"
        rows.append([variable, _default(field), meta.description])
    return _page(
        "Settings",
        "What the operator decides before the start. A variable that is not on this page stops"
        " the start with a message that names the cure. A `…_FILE` variable names a file that"
        " holds the secret. What people change while Tocsin runs is a resource, not a setting.",
        _table(["Variable", "Default", "Meaning"], rows),
    )


def _default(field: Any) -> str:
    if field.default_factory is not msgspec.NODEFAULT:
        value = field.default_factory()
        home = str(Path.home())
        return f"`{str(value).replace(home, '~')}`" if isinstance(value, Path) else "none"
    value = field.default
    if isinstance(value, tuple):
        value = ",".join(value)
    return f"`{value}`" if value not in ("", ()) else "none"


def permissions() -> str:
    """Say who may do what, and which verbs ask."""
    asked = _askers()
    rows = [
        [
            f"`{verb}`",
            *("✔" if verb in PERMISSIONS[role] else "✘" for role in Role),
            ", ".join(f"`{name}`" for name in asked.get(verb, ())),
        ]
        for verb in VERBS
    ]
    return _page(
        "Permissions",
        "Every verb and every read begins by asking for one of these. `system` is Tocsin"
        " itself (its reactions, timers and jobs) and cannot be granted to anybody.",
        _table(["Permission", *(role.value for role in Role), "Asked by"], rows),
    )


def _askers() -> dict[str, list[str]]:
    """Map each permission to the functions whose body asks for it."""
    found: dict[str, list[str]] = {}
    package = ROOT / "src" / "tocsin"
    for path in sorted(package.rglob("*.py")):
        area = ".".join(path.relative_to(package).with_suffix("").parts)
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for permission in _required(function):
                found.setdefault(permission, []).append(f"{area}.{function.name}")
    return found


def _required(function: ast.AST) -> Iterator[str]:
    for node in ast.walk(function):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="require"), args=[ast.Constant(value=str(permission))]
            ):
                yield permission
            case _:
                pass


def errors() -> str:
    """Say what can be refused, and how it looks from outside."""
    rows = [
        [f"`{kind.code}`", str(kind.status), str(kind.exit_code), kind.title, _doc(kind)]
        for kind in ALL
    ]
    return _page(
        "Errors",
        "The API answers with RFC 9457 problems (`application/problem+json`) whose `type` ends"
        " in the code; the command line ends with the exit code. Codes keep their meaning."
        " Vendors' own paths answer in the shape that the vendor's clients expect.",
        _table(["Code", "HTTP", "Exit", "Title", "When"], rows),
    )


def events() -> str:
    """List everything that the log can say has happened."""
    _import_all(lambda name: name.endswith((".events", ".resources")))
    rows = [
        [
            f"`{kind_of(kind)}`",
            _doc(kind),
            ", ".join(f"`{field.name}`" for field in msgspec.structs.fields(kind)),
        ]
        for kind in sorted(_descendants(Event), key=kind_of)
    ]
    return _page(
        "Events",
        "The records of the one log: a timeline is those that name an incident, its groups or"
        " its pages; the audit trail is the same records by actor. Old kinds decode for ever.",
        _table(["Kind", "What it says", "Fields"], rows),
    )


def _descendants(kind: type[Event]) -> Iterator[type[Event]]:
    for child in kind.__subclasses__():
        # a base that only shares fields has no name of its own in the log
        if child.__module__.startswith("tocsin.") and "." in kind_of(child):
            yield child
        yield from _descendants(child)


def metrics() -> str:
    """List what `/metrics` counts and measures."""
    rows = []
    for collector in vars(metric_source).values():
        if not isinstance(collector, Counter | Gauge | Histogram):
            continue
        [family] = collector.collect()
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = ", ".join(f"`{label}`" for label in getattr(collector, "_labelnames", ()))
        rows.append([f"`{name}`", family.type, labels, family.documentation])
    return _page(
        "Metrics",
        "`GET /metrics` in Prometheus' text format; off loopback it needs a token."
        " Worth an alarm of your own: `tocsin_sort_lag_seconds` and"
        " `tocsin_due_timer_lag_seconds` above 5, `tocsin_pages_unpageable_total` rising.",
        _table(["Name", "Type", "Labels", "Meaning"], rows),
    )


def cli() -> str | None:
    """Show every command with its options."""
    if find_spec("tocsin.cli.main") is None:
        return None
    from tocsin.cli.main import cli as top  # noqa: PLC0415 - only once it exists

    blocks = [
        f"{'#' * (context.command_path.count(' ') + 2)} {context.command_path}\n\n"
        f"```text\n{context.get_help().rstrip()}\n```"
        for context in _commands(top, "tocsin", None)
    ]
    return _page(
        "Command line",
        "Exit codes stand in [errors](errors.md); 10 says that something was found that a pipeline"
        " may want to stop at. A command talks to a running Tocsin when `TOCSIN_TOKEN` is set or"
        " after `tocsin login`, and otherwise opens the database that the settings name and acts as"
        " `local:<os-user>`. On a terminal it prints tables, behind a pipe JSON; `--output` chooses.",
        "\n\n".join(blocks),
    )


def _commands(
    command: click.Command, name: str, parent: click.Context | None
) -> Iterator[click.Context]:
    """Yield a command and all below it, as they look from a shell."""
    width = {"terminal_width": 92, "max_content_width": 92}
    context = click.Context(
        command, info_name=name, parent=parent, **{**command.context_settings, **width}
    )
    yield context
    if isinstance(command, click.Group):
        for child_name in command.list_commands(context):
            child = command.get_command(context, child_name)
            if child is not None and not child.hidden:
                yield from _commands(child, child_name, context)


def api() -> str | None:
    """List the routes of the JSON API with their parameters and answers."""
    spec = find_spec("tocsin.web.api")
    if spec is None or spec.origin is None:
        return None
    from tocsin.web.api import ROUTES  # noqa: PLC0415 - only once it exists
    from tocsin.web.units import asking  # noqa: PLC0415

    site = Litestar(
        logging_config=None,
        route_handlers=list[Any](ROUTES),
        dependencies={"asking": Provide(asking)},
        openapi_config=OpenAPIConfig(
            title="Tocsin", version=tocsin.__version__, use_handler_docstrings=True
        ),
    )
    description = _with_enums(site.openapi_schema.to_schema())
    blocks = [
        _operation(path, method, operation)
        for path, item in sorted(description["paths"].items())
        for method, operation in item.items()
        if method in {"get", "post", "put", "patch", "delete"}
    ]
    return _page(
        "API",
        "A running Tocsin shows this with examples at `/api/v1/docs`, and describes it for programs"
        " at `/api/v1/openapi.json`. Every request carries `Authorization: Bearer TOKEN`; refusals"
        " are [errors](errors.md). Every write takes an `Idempotency-Key`. How it is used:"
        " [the API from a script](../howto/api.md).",
        "\n\n".join(blocks),
    )


def _with_enums(description: dict[str, Any]) -> dict[str, Any]:
    """Put the values of each enum where it is referred to."""
    known = description["components"]["schemas"]

    def filled(part: Any) -> Any:
        if isinstance(part, dict):
            shape = known.get(str(part.get("$ref", "")).rsplit("/", 1)[-1], {})
            return shape if "enum" in shape else {k: filled(v) for k, v in part.items()}
        return [filled(item) for item in part] if isinstance(part, list) else part

    return {**description, "paths": filled(description["paths"])}


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> str:
    """Write one route: its sentence, its parameters, its body, its answers."""
    lines = [
        f"## {method.upper()} {path}",
        operation.get("description") or operation["summary"],
    ]
    rows = [
        [
            f"`{parameter['name']}`",
            parameter["in"],
            "yes" if parameter.get("required") else "no",
            _schema(parameter.get("schema", {})),
        ]
        for parameter in operation.get("parameters", [])
    ]
    if rows:
        lines.append(_table(["Parameter", "In", "Required", "Type"], rows))
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        lines.append(f"Body: `{media}`, {_schema(content['schema'])}")
    answers = []
    for status, answer in sorted(operation["responses"].items()):
        schemas = [content.get("schema", {}) for content in answer.get("content", {}).values()]
        shape = f" {_schema(schemas[0])}" if status < "300" and schemas else ""
        answers.append(f"`{status}`{shape}")
    return "\n\n".join([*lines, f"Answers: {', '.join(answers)}"])


def resources() -> str | None:
    """List the kinds of configuration and the fields of their specs."""
    if find_spec("tocsin.app") is None:
        return None
    from tocsin.app.wiring import KINDS  # noqa: PLC0415 - only once it exists

    specs, parts = msgspec.json.schema_components(
        [kind.spec for kind in KINDS], ref_template="#/{name}"
    )
    roots = [spec["$ref"].removeprefix("#/") for spec in specs]
    named = dict(zip(roots, KINDS, strict=True))
    blocks = []
    for part in [*roots, *(name for name in parts if name not in named)]:
        schema = parts[part]
        kind = named.get(part)
        lines = [f"## {kind.name if kind else part}", inspect.cleandoc(schema["description"])]
        if kind and kind.private:
            private = ", ".join(f"`{name}`" for name in sorted(kind.private))
            lines.append(f"Personal, so kept out of every history: {private}.")
        rows = [
            [f"`{name}`", _schema(field), _must(name, schema)]
            for name, field in schema.get("properties", {}).items()
        ]
        lines.append(_table(["Field", "Type", "Default"], rows) if rows else _schema(schema))
        blocks.append("\n\n".join(lines))
    return _page(
        "Resources",
        "Configuration as data: each document has `apiVersion: tocsin/v1`, a `kind`, a"
        " `metadata.name` of lower case, digits and dashes, and a `spec`. `tocsin apply -f`"
        " takes any number of them, all or none.",
        "\n\n".join(blocks),
    )


def _must(name: str, schema: Mapping[str, Any]) -> str:
    if name in schema.get("required", ()):
        return "required"
    default = schema["properties"][name].get("default")
    return "none" if default in (None, "", [], (), {}) else f"`{json.dumps(default)}`"


def _schema(schema: Mapping[str, Any]) -> str:
    """Name a schema in a few words."""
    match schema:
        case {"$ref": str(reference)}:
            words = f"`{reference.rsplit('/', 1)[-1]}`"
        case {"oneOf": choices} | {"anyOf": choices} | {"allOf": choices}:
            words = " or ".join(_schema(choice) for choice in choices)
        case {"const": value}:
            words = f"`{value}`"
        case {"enum": values}:
            words = ", ".join(f"`{value}`" for value in values)
        case {"type": "array", "items": items}:
            words = f"list of {_schema(items)}"
        case {"additionalProperties": dict(inner)} if inner:
            words = f"map to {_schema(inner)}"
        case _:
            words = " ".join(str(schema[key]) for key in ("type", "format") if key in schema)
    return words


def _import_all(wanted: Callable[[str], bool]) -> None:
    for module in pkgutil.walk_packages(tocsin.__path__, "tocsin."):
        if wanted(module.name):
            importlib.import_module(module.name)


def _doc(thing: object) -> str:
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _page(title: str, lead: str, body: str) -> str:
    return f"{NOTE}\n\n# {title}\n\n{lead}\n\n{body}\n"


WRITERS: dict[str, Callable[[], str | None]] = {
    "settings.md": settings,
    "permissions.md": permissions,
    "errors.md": errors,
    "events.md": events,
    "metrics.md": metrics,
    "cli.md": cli,
    "api.md": api,
    "resources.md": resources,
}


def pages() -> dict[str, str]:
    """Return every page that the code as it is can fill, by file name."""
    written = {name: writer() for name, writer in WRITERS.items()}
    return {name: text for name, text in written.items() if text is not None}


def main() -> int:
    """Write the pages and name those that changed."""
    PAGES.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        page = PAGES / name
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")
            print(f"wrote {page.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
