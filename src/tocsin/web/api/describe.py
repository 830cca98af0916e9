"""Completes the OpenAPI description: what holds for every write, and an example of everything. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from tocsin.kernel.errors import Conflict, Invalid, Refused, TooLarge, TooMany
from tocsin.web.api.idempotency import WRITES

METHODS = ("get", "post", "put", "patch", "delete")
DEPTH_MAX = 6
_NESTED_MAX = 3 * DEPTH_MAX  # a schema that stands for itself would never end
_PROBLEM = "application/problem+json"
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": (
        "A fresh UUID for each request: sent again within a day, it is done once and answered as"
        " the first time, with `Idempotency-Replayed: true`. Where the answer holds a secret, a"
        " repeat is refused with 409."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    "example": "0195d3a0-7c1e-7b9a-9f5e-3d2c1b0a9876",
}
# by the name of a property, where its type alone would say too little
_WORDS: Mapping[str, object] = {
    "reference": "INC-12", "title": "HighErrorRate on checkout", "zone": "Europe/Berlin",
    "number": 12, "name": "Maya Okafor", "path": "/api/v1/incidents", "cursor": None,
    "next": None, "token": "tocsin_…", "url": "https://tocsin.example.org/…", "code": "invalid",
    "timezone": "Europe/Berlin", "description": "Every fifth order fails.", "seq": 4711,
    "email": "maya@example.org", "sentence": "Step 1: calling Maya Okafor",
    "team": "payments", "service": "checkout",
}  # fmt: skip
_FORMATS: Mapping[str, str] = {
    "uuid": "0195d3a0-7c1e-7b9a-9f5e-3d2c1b0a9876",
    "date-time": "2026-03-27T12:00:00Z",
    "date": "2026-03-27",
    "uri": "https://tocsin.example.org/",
}


def operations(description: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and operation of all there are, by path."""
    for path, item in sorted(description["paths"].items()):
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


def takes_key(method: str, path: str, operation: Mapping[str, Any]) -> bool:
    """Say whether a repeat can be told by its key: where nobody is signed in yet, it cannot."""
    is_open = operation.get("security") == [{}]
    return path.startswith("/api/v1/") and method.upper() in WRITES and not is_open


def completed(description: dict[str, Any]) -> dict[str, Any]:
    """Add what routes need not say themselves; changes `description` and returns it."""
    known = description.get("components", {}).get("schemas", {})
    for method, path, operation in operations(description):
        if path.startswith("/api/v1/"):
            _refusals(operation, method)
        if takes_key(method, path, operation):
            operation.setdefault("parameters", []).append(_KEY)
        for content in _contents(operation):
            if "example" in content or "examples" in content:
                continue
            schema = content.get("schema", {})
            given = schema.get("examples")
            content["example"] = given[0] if given else example(schema, known)
    return description


def _refusals(operation: dict[str, Any], method: str) -> None:
    kinds: list[type[Refused]] = [TooMany]
    if method.upper() in WRITES:
        kinds += [Invalid, Conflict, TooLarge]
    if operation.get("parameters"):
        kinds.append(Invalid)
    for kind in kinds:
        operation["responses"].setdefault(str(kind.status), _refusal(kind))


def _refusal(kind: type[Refused]) -> dict[str, Any]:
    said = {
        "type": f"/errors#{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": "What was asked for, why not, and what would help.",
        "code": kind.code,
    }
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": said}
    return {"description": kind.title, "content": {_PROBLEM: content}}


def _contents(operation: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from operation.get("requestBody", {}).get("content", {}).values()
    for answer in operation["responses"].values():
        yield from answer.get("content", {}).values()


def example(
    schema: Mapping[str, Any], known: Mapping[str, Any], name: str = "", depth: int = 0
) -> Any:
    """Make a value that fits a JSON schema, and reads as if it were from the field."""
    given = _given(schema)
    if given is not None:
        return given
    inner = _inner(schema, known)
    if inner is not None:
        return example(inner, known, name, depth + 1) if depth < _NESTED_MAX else None
    if schema.get("type") == "object":
        return _object(schema, known, depth)
    if schema.get("type") != "array":
        return _scalar(schema, name)
    items = schema.get("items", {})
    return [example(items, known, name, depth + 1)] if depth < DEPTH_MAX else []


def _given(schema: Mapping[str, Any]) -> Any:
    """Return the value that a schema names itself."""
    for word in ("example", "const", "default"):
        if schema.get(word) is not None:
            return schema[word]
    for word in ("examples", "enum"):
        if schema.get(word):
            return schema[word][0]
    return None


def _inner(schema: Mapping[str, Any], known: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the schema that another one stands for."""
    if "$ref" in schema:
        found: Mapping[str, Any] = known[schema["$ref"].rsplit("/", 1)[-1]]
        return found
    for word in ("oneOf", "anyOf", "allOf"):
        if schema.get(word):
            first: Mapping[str, Any] = schema[word][0]
            return first
    if isinstance(schema.get("type"), list):
        return {**schema, "type": schema["type"][0]}
    return None


def _object(schema: Mapping[str, Any], known: Mapping[str, Any], depth: int) -> dict[str, Any]:
    if depth >= DEPTH_MAX:
        return {}
    properties = schema.get("properties", {})
    if not properties and isinstance(schema.get("additionalProperties"), dict):
        return {"service": example(schema["additionalProperties"], known, "", depth + 1)}
    return {name: example(part, known, name, depth + 1) for name, part in properties.items()}


def _scalar(schema: Mapping[str, Any], name: str) -> Any:
    kind = schema.get("type")
    if kind == "string":
        told = _WORDS.get(name)
        return _FORMATS.get(schema.get("format", "")) or (told or "text")
    if kind in ("integer", "number"):
        told = _WORDS.get(name)
        return told if isinstance(told, int) else int(schema.get("minimum", 1))
    return {"boolean": True, "null": None}.get(str(kind), {})
