"""Entity tags: the version of a thing in `ETag`, and the version a writer has seen in `If-Match`."""

import re
from typing import Any

from litestar import Request

from tocsin.kernel.errors import Invalid

_TAG = re.compile(r'(?:W/)?"(\d{1,18})"')


def etag(version: int) -> str:
    """Write a version as an entity tag."""
    return f'"{version}"'


def expected_version(request: Request[Any, Any, Any]) -> int | None:
    """Return the version that `If-Match` names; None: any will do. Raises Invalid.

    Clients and proxies may have made the tag weak; versions are compared, so that is as good.
    """
    given = request.headers.get("if-match")
    if given is None or given.strip() == "*":
        return None
    found = _TAG.fullmatch(given.strip())
    if found is None:
        raise Invalid(
            'send the `ETag` of the last answer as it was, e.g. `If-Match: "7"`',
            field="If-Match",
        )
    return int(found.group(1))
