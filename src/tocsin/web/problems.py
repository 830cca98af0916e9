"""Refusals in HTTP: RFC 9457 problems for programs, a page for people."""

from typing import Any

import msgspec
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.response import Redirect, Template

from tocsin.kernel.errors import NotFound, Refused, TooMany, Unauthenticated, Unavailable
from tocsin.kernel.logs import Log, mask

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
    return _answer(
        request, status=error.status, code=error.code, title=error.title, detail=error.detail,
        field=error.field if hasattr(error, "field") else None, headers=retry_after(error),
    )  # fmt: skip


def invalid(request: Request, error: ValidationException) -> Response:  # type: ignore[type-arg]
    """Answer what Litestar could not read, naming the field."""
    extra = error.extra if isinstance(error.extra, list) else []
    field = str(extra[0].get("key", "")) if extra and isinstance(extra[0], dict) else None
    detail = "; ".join(str(e.get("message", e)) for e in extra if isinstance(e, dict))
    return _answer(
        request, status=422, code="invalid", title="A value is not acceptable.",
        detail=detail or error.detail, field=field,
    )  # fmt: skip


def http_error(request: Request, error: HTTPException) -> Response:  # type: ignore[type-arg]
    """Answer an unknown path, a wrong verb and the like."""
    codes = {404: "not-found", 405: "not-allowed", 413: "too-large", 403: "forbidden"}
    code = codes.get(error.status_code, "refused")
    detail = error.detail
    if error.status_code == NotFound.status:
        detail = f"Nothing is at {mask(request.url.path)}."
    return _answer(
        request, status=error.status_code, code=code, title=error.detail, detail=detail
    )


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
    Exception: bug,
}
JSON = MediaType.JSON
