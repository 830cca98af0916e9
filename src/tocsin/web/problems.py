"""Refusals in HTTP: RFC 9457 problems for programs, a page for people."""

import re
from http import HTTPStatus
from typing import Any

import msgspec
import psycopg
from litestar import Request, Response
from litestar.exceptions import HTTPException, SerializationException, ValidationException
from litestar.response import Redirect, Template
from psycopg import DataError
from psycopg.errors import UntranslatableCharacter

from tocsin.kernel.db import is_transient
from tocsin.kernel.db_trouble import refusal
from tocsin.kernel.errors import (
    Forbidden,
    Invalid,
    NotFound,
    Refused,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from tocsin.kernel.logs import Log, mask
from tocsin.kernel.resources.mistakes import Mistake, explained
from tocsin.web import refusals

# Litestar takes every "data." out of a path, and so it does in "metadata.effectiveFrom"
_CUT = re.compile(r"\bmeta(?!data\b)(?=\w)")
# a session without a person is called as its role
_TWICE = re.compile(r"^(\w+) \(\1\) may not")
log = Log("web")


def problem(status: int, code: str, title: str, detail: str, field: str | None = None) -> bytes:
    """Encode a problem; `type` is a path of the documentation of errors."""
    body = {
        "type": f"/errors#{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if field:
        body["field"] = field
    return msgspec.json.encode(body)


def retry_after(error: Refused) -> dict[str, str]:
    """Return the header that says when to come back, if the refusal knows."""
    if isinstance(error, TooMany | Unavailable):
        return {"retry-after": str(error.retry_after_s)}
    return {}


def _wants_html(request: Request) -> bool:  # type: ignore[type-arg]
    path = request.url.path
    return not path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def _answer(  # noqa: PLR0913 - the members of a problem
    request: Request,  # type: ignore[type-arg]
    *,
    status: int,
    code: str,
    title: str,
    detail: str,
    field: str | None = None,
    headers: dict[str, str] | None = None,
) -> Response:  # type: ignore[type-arg]
    if _wants_html(request):
        context = {"status": status, "title": title, "detail": detail}
        if status == Unavailable.status:
            context["again"] = request.method == "GET"
            return Template("outage.html", context=context, status_code=status, headers=headers)
        return Template("error.html", context=context, status_code=status, headers=headers)
    return Response(
        problem(status, code, title, detail, field),
        status_code=status,
        media_type="application/problem+json",
        headers=headers,
    )


def refused(request: Request, error: Refused) -> Response:  # type: ignore[type-arg]
    """Answer a refusal as its kind says; who is not signed in is sent to the sign-in page."""
    if isinstance(error, Unauthenticated) and _wants_html(request):
        return Redirect("/sign-in", status_code=303)
    title, detail = error.title, error.detail
    if isinstance(error, Forbidden) and _wants_html(request):
        title, detail = "You may not do that", _TWICE.sub(r"the role \1 may not", detail)
    answer = _answer(
        request, status=error.status, code=error.code, title=title, detail=detail,
        field=error.field if hasattr(error, "field") else None, headers=retry_after(error),
    )  # fmt: skip
    if isinstance(error, Forbidden):
        answer.background = refusals.recording(request)
    return answer


def invalid(request: Request, error: ValidationException) -> Response:  # type: ignore[type-arg]
    """Answer what Litestar could not read, naming the field and what could stand there."""
    extra = error.extra if isinstance(error.extra, list) else []
    found = [_mistake(request, one) for one in extra if isinstance(one, dict)]
    return _answer(
        request, status=422, code="invalid", title="A value is not acceptable.",
        detail="; ".join(one.words for one in found) or error.detail,
        field=found[0].path if found else None,
    )  # fmt: skip


def _mistake(request: Request, said: dict[str, Any]) -> Mistake:  # type: ignore[type-arg]
    """Read one complaint of Litestar's, who calls a whole body `data`."""
    key, words = _CUT.sub("metadata.", str(said.get("key", ""))), str(said.get("message", said))
    if words == "'data'":  # no body at all
        return Mistake("", "send a JSON body")
    body = request.route_handler.parsed_fn_signature.parameters.get("data")
    if said.get("source") != "body" or body is None:
        found = explained(words, Any, key)
    else:
        inner = "" if key == "data" else f" - at `$.{key}`"
        found = explained(f"{words}{inner}", body.annotation, "")
    return Mistake(found.path, f"{found.path}: {found.words}" if found.path else found.words)


def http_error(request: Request, error: HTTPException) -> Response:  # type: ignore[type-arg]
    """Answer an unknown path, a wrong verb and the like."""
    codes = {404: "not-found", 405: "not-allowed", 413: "too-large", 403: "forbidden"}
    code = codes.get(error.status_code, "refused")
    detail = error.detail
    headers = error.headers or {}
    if error.status_code == NotFound.status:
        detail = f"Nothing is at {mask(request.url.path)}."
    elif "allow" in headers:
        detail = f"{request.method} does nothing here; send {headers['allow']}."
    elif isinstance(error.__cause__, SerializationException):
        detail = f"the body is no JSON: {detail}; send a JSON object"
    return _answer(
        request,
        status=error.status_code,
        code=code,
        title=HTTPStatus(error.status_code).phrase.capitalize(),
        detail=detail,
        headers=headers,
    )


def unstorable(request: Request, error: DataError) -> Response:  # type: ignore[type-arg]
    """Answer a text with the character NUL, which no column and no index takes."""
    if not isinstance(error, UntranslatableCharacter) and "NUL" not in str(error):
        return bug(request, error)
    return refused(request, Invalid("leave out the character NUL: nothing can contain it"))


def too_deep(request: Request, error: RecursionError) -> Response:  # type: ignore[type-arg]
    """Answer a body whose lists stand in lists without end; where there is none, the bug is ours."""
    if request.method in ("GET", "HEAD"):
        return bug(request, error)
    return refused(request, Invalid("the body is nested too deeply; send it flatter"))


def outage(request: Request, error: psycopg.Error) -> Response:  # type: ignore[type-arg]
    """Answer what the database did: it is not there, or the mistake is ours."""
    if not is_transient(error):
        return bug(request, error)
    return refused(request, Unavailable(refusal(error), retry_after_s=2))


def bug(request: Request, error: Exception) -> Response:  # type: ignore[type-arg]
    """Log what nobody expected, and say no more than that outside."""
    log.error("request.failed", error=error, method=request.method, path=mask(request.url.path))
    return _answer(
        request, status=500, code="bug", title="Tocsin made a mistake.",
        detail="The mistake is in the log; nothing was changed.",
    )  # fmt: skip


HANDLERS: dict[int | type[Exception], Any] = {
    Refused: refused,
    ValidationException: invalid,
    HTTPException: http_error,
    DataError: unstorable,
    psycopg.Error: outage,
    RecursionError: too_deep,
    Exception: bug,
}
