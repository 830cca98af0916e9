"""Forms of a signed-in browser prove that a page of ours sent them.

The proof is derived from the session's secret, so it needs no key, no cookie and no row of its
own. Whoever sends a token in a header, or a one-time link's secret in the path, proves enough.
Answers are compressed, so it never stands in two of them alike: by its length an answer would tell
what it has in common with the words of a stranger on the same page (BREACH).
"""

import hashlib
import hmac
import secrets
from typing import Any
from urllib.parse import urlsplit

from litestar import Request

from tocsin.kernel.errors import Forbidden
from tocsin.web.identity import COOKIE
from tocsin.web.units import Asking, asking

FIELD = "_csrf"
_SIZE = hashlib.sha256().digest_size


def proof(session: str) -> str:
    """Return a value for the hidden field in the forms of this session, another each time."""
    cover = secrets.token_bytes(_SIZE)
    return (cover + _covered(_secret(session), cover)).hex()


def is_proof(given: object, session: str) -> bool:
    """Say whether a form brought what `proof` gave to this session at any time."""
    try:
        found = bytes.fromhex(given) if isinstance(given, str) else b""
    except ValueError:
        return False
    cover, rest = found[:_SIZE], found[_SIZE:]
    return len(rest) == _SIZE and hmac.compare_digest(_covered(rest, cover), _secret(session))


def _secret(session: str) -> bytes:
    return hmac.digest(session.encode(), b"tocsin form", hashlib.sha256)


def _covered(text: bytes, cover: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(text, cover, strict=True))


def field_of(request: Request[Any, Any, Any]) -> str:
    """Return what the forms on the answer to `request` carry; "" for who has no session."""
    session = request.cookies.get(COOKIE)
    return proof(session) if session else ""


def require_same_site(request: Request[Any, Any, Any]) -> None:
    """Refuse a form without a session, as a sign-in is, that another site sends. Raises Forbidden."""
    said = request.headers.get("sec-fetch-site")
    if said is not None:
        is_foreign = said not in ("same-origin", "none")
    else:  # a browser of before 2023, or a program
        origin = request.headers.get("origin")
        is_foreign = origin is not None and urlsplit(origin).netloc != request.headers["host"]
    if is_foreign:
        raise Forbidden("this came from a page of another site; open Tocsin itself")


async def check(request: Request[Any, Any, Any]) -> None:
    """Refuse a form that another site may have sent. Raises Forbidden."""
    session = request.cookies.get(COOKIE)
    if not session or "authorization" in request.headers:
        return
    if not is_proof((await request.form()).get(FIELD), session):
        raise Forbidden("this form is out of date: load the page again, and repeat")


async def posting(request: Request[Any, Any, Any]) -> Asking:
    """Litestar dependency of every form's route. Raises Forbidden, Unauthenticated."""
    await check(request)
    return await asking(request)
