"""Forms of a signed-in browser prove that a page of ours sent them.

The proof is derived from the session's secret, so it needs no key, no cookie and no row of its
own. Whoever sends a token in a header, or a one-time link's secret in the path, proves enough.
"""

import hashlib
import hmac
from typing import Any

from litestar import Request

from tocsin.kernel.errors import Forbidden
from tocsin.web.identity import COOKIE
from tocsin.web.units import Asking, asking

FIELD = "_csrf"


def proof(session: str) -> str:
    """Return the value of the hidden field in the forms of this session."""
    return hmac.new(session.encode(), b"tocsin form", hashlib.sha256).hexdigest()


def field_of(request: Request[Any, Any, Any]) -> str:
    """Return what the forms on the answer to `request` carry; "" for who has no session."""
    session = request.cookies.get(COOKIE)
    return proof(session) if session else ""


async def check(request: Request[Any, Any, Any]) -> None:
    """Refuse a form that another site may have sent. Raises Forbidden."""
    session = request.cookies.get(COOKIE)
    if not session or "authorization" in request.headers:
        return
    given = (await request.form()).get(FIELD)
    if not isinstance(given, str) or not hmac.compare_digest(
        given.encode(), proof(session).encode()
    ):
        raise Forbidden("this form is out of date: load the page again, and repeat")


async def posting(request: Request[Any, Any, Any]) -> Asking:
    """Litestar dependency of every form's route. Raises Forbidden, Unauthenticated."""
    await check(request)
    return await asking(request)
