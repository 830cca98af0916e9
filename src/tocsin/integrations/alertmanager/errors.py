"""The two error shapes of Alertmanager's API v2; its clients print them, so both are kept.

The web framework of the original (go-openapi) answers with objects, its handlers with bare
JSON strings that end in a line feed.
"""

from collections.abc import Iterable

import msgspec

from tocsin.signals.model import Unreadable


class FrameworkError(Unreadable):
    """Routing, parsing or schema: an object; codes above 599 are answered with status 422."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(status, msgspec.json.encode({"code": code, "message": message}))
        self.code = code
        self.message = message


class HandlerError(Unreadable):
    """The request was well formed and its content is not: a bare JSON string."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, msgspec.json.encode(message) + b"\n")
        self.message = message


def refused(refusals: Iterable[str]) -> HandlerError:
    """Build the answer to a request of which some alerts were not kept."""
    return HandlerError(400, "; ".join(refusals))


def unparsable(reason: str) -> FrameworkError:
    """Build the answer to a body that is not JSON of the expected shape."""
    return FrameworkError(400, 400, f'parsing alerts body from "" failed, because {reason}')


def required(field: str) -> FrameworkError:
    """Build the answer to a missing field, named as `0.labels` or `alerts`."""
    return FrameworkError(422, 602, f"{field} in body is required")


def not_found(path: str) -> FrameworkError:
    """Build the answer to a path outside the API; `path` is without any mount prefix."""
    return FrameworkError(404, 404, f"path {path} was not found")


def not_allowed(method: str, allowed: Iterable[str]) -> FrameworkError:
    """Build the answer to a wrong verb; the caller adds the header `Allow`."""
    listed = ",".join(allowed)
    return FrameworkError(405, 405, f"method {method} is not allowed, but [{listed}] are")


def unsupported(media_type: str) -> FrameworkError:
    """Build the answer to a body that is not declared as JSON."""
    return FrameworkError(
        415,
        415,
        f'unsupported media type "{media_type}", only [application/json] are allowed',
    )
