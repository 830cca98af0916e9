"""The API's description for people, at /api/v1/docs: one page, from the schema, without script."""

import shlex
from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
from litestar import Request, get
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.response import Response, Template
from msgspec import Struct
from typing_extensions import override

from tocsin.web.api.describe import completed, operations
from tocsin.web.templating import not_built

_BEARER = "Authorization: Bearer $TOCSIN_TOKEN"
_PLACE = "https://tocsin.example.org"


class ParameterView(Struct, frozen=True, kw_only=True):
    """One parameter."""

    name: str
    place: str
    required: bool
    kind: str
    description: str


class AnswerView(Struct, frozen=True, kw_only=True):
    """What may come back; `example` is empty for refusals, which all look alike."""

    status: str
    description: str
    example: str


class OperationView(Struct, frozen=True, kw_only=True):
    """One method of one path."""

    anchor: str
    method: str
    path: str
    description: str
    parameters: tuple[ParameterView, ...]
    body: str
    answers: tuple[AnswerView, ...]
    curl: str


class SectionView(Struct, frozen=True, kw_only=True):
    """Operations about one thing."""

    name: str
    anchor: str
    operations: tuple[OperationView, ...]


class Described(JsonRenderPlugin):
    """Gives the completed description as JSON."""

    @override
    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return super().render(request, completed(openapi_schema))


def sections(description: Mapping[str, Any]) -> list[SectionView]:
    """Sort a completed description by what its operations are about."""
    found: dict[str, list[OperationView]] = {}
    for method, path, operation in operations(description):
        tag = (operation.get("tags") or ["other"])[0]
        found.setdefault(tag, []).append(_operation(method, path, operation))
    return [
        SectionView(name=name, anchor=_anchor(name), operations=tuple(found[name]))
        for name in sorted(found, key=lambda one: (one == "health", one))
    ]


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> OperationView:
    body = _example(_first(operation.get("requestBody", {}).get("content", {})))
    return OperationView(
        anchor=_anchor(f"{method}{path.removeprefix('/api/v1')}"),
        method=method.upper(),
        path=path,
        description=operation.get("description") or operation.get("summary", ""),
        parameters=tuple(_parameter(one) for one in operation.get("parameters", ())),
        body=_text(body),
        answers=tuple(_answer(*one) for one in sorted(operation["responses"].items())),
        curl=_curl(method, path, body, is_open=not path.startswith("/api/")),
    )


def _parameter(parameter: Mapping[str, Any]) -> ParameterView:
    schema = parameter.get("schema", {})
    choices = [one for one in schema.get("oneOf", (schema,)) if one.get("type") != "null"]
    kinds = (
        one.get("format") or one.get("type") or one.get("$ref", "").rsplit("/", 1)[-1]
        for one in choices
    )
    return ParameterView(
        name=parameter["name"],
        place=parameter["in"],
        required=bool(parameter.get("required")),
        kind=" or ".join(filter(None, kinds)),
        description=parameter.get("description") or "",
    )


def _answer(status: str, answer: Mapping[str, Any]) -> AnswerView:
    contents = answer.get("content", {})
    shown = {name: one for name, one in contents.items() if "problem" not in name}
    return AnswerView(
        status=status,
        description=answer.get("description", ""),
        example=_text(_example(_first(shown))),
    )


def _first(contents: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    return next(iter(contents.values()), {})


def _example(content: Mapping[str, Any]) -> object:
    named = content.get("examples")
    if named:
        return next(iter(named.values())).get("value")
    return content.get("example")


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _curl(method: str, path: str, body: object, *, is_open: bool) -> str:
    words = ["curl"] if method == "get" else ["curl", "-X", method.upper()]
    if not is_open:
        words += ["-H", _BEARER]
    if body is not None:
        words += ["--json", msgspec.json.encode(body).decode()]
    # single quotes would keep the shell from putting the token in
    line = shlex.join([*words, _PLACE + path])
    return line.replace(
        "'Authorization: Bearer $TOCSIN_TOKEN'", '"Authorization: Bearer $TOCSIN_TOKEN"'
    )


def _anchor(text: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in text).split()).lower()


@cache
def _sections_of(description: bytes) -> list[SectionView]:
    return sections(completed(msgspec.json.decode(description)))


@get("/api/v1/docs", include_in_schema=False)
async def show_docs(request: Request[Any, Any, Any]) -> Template | Response[str]:
    """Show every operation with its parameters, examples and a line for the shell."""
    if (answer := not_built()) is not None:
        return answer
    schema = request.app.openapi_schema.to_schema()
    found = _sections_of(msgspec.json.encode(schema))
    return Template("api_docs.html", context={"title": "API", "sections": found})


ROUTES = [show_docs]
