"""The one table of what can be refused or go wrong: code, HTTP status, CLI exit code, cure.

Four kinds, four homes (STYLE 3): outcomes are values; refusals are raised by actions and
mapped here once to RFC 9457 problems and exit codes; `Unavailable` is the outside world;
anything else is a bug and crashes its unit.
"""

from typing import ClassVar


class Refused(Exception):
    """The request was understood and will not be done; the message says what would help."""

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 400
    exit_code: ClassVar[int] = 1
    title: ClassVar[str] = "The request was refused."

    def __init__(self, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field


class Invalid(Refused):
    """A value is not acceptable; `field` names it and the message names the cure."""

    code = "invalid"
    status = 422
    exit_code = 2
    title = "A value is not acceptable."


class Unauthenticated(Refused):
    """No credentials, or none that are known."""

    code = "unauthenticated"
    status = 401
    exit_code = 4
    title = "Sign in, or send a valid token."


class Forbidden(Refused):
    """The actor lacks the permission."""

    code = "forbidden"
    status = 403
    exit_code = 4
    title = "This actor may not do that."


class NotFound(Refused):
    """Nothing by that id, or the actor may not know that it exists."""

    code = "not-found"
    status = 404
    exit_code = 3
    title = "There is nothing by that name."


class Conflict(Refused):
    """The thing has moved on since the caller last saw it."""

    code = "conflict"
    status = 409
    exit_code = 5
    title = "The thing has changed since you last saw it."


class PreconditionFailed(Refused):
    """`If-Match` names another version than there is now."""

    code = "precondition-failed"
    status = 412
    exit_code = 5
    title = "The version you have seen is not the newest."


class TooLarge(Refused):
    """The request exceeds a stated limit."""

    code = "too-large"
    status = 413
    exit_code = 2
    title = "The request is larger than the limit."


class TooMany(Refused):
    """The caller's rate limit is spent; `retry_after_s` says when to come back."""

    code = "too-many"
    status = 429
    exit_code = 6
    title = "Too many requests."

    def __init__(self, detail: str, *, retry_after_s: int = 1) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class Unavailable(Refused):
    """Something outside failed; trying again later may work."""

    code = "unavailable"
    status = 503
    exit_code = 6
    title = "Something Tocsin needs is not there right now."

    def __init__(self, detail: str, *, retry_after_s: int = 5) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


ALL: tuple[type[Refused], ...] = (
    Refused, Invalid, Unauthenticated, Forbidden, NotFound, Conflict, PreconditionFailed,
    TooLarge, TooMany, Unavailable,
)  # fmt: skip
