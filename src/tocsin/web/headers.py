"""What every answer says about itself: what it may load, who may frame it, who may keep it."""

from litestar.datastructures import CacheControlHeader, MutableScopeHeaders
from litestar.types import Message, Scope

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "style-src-attr 'unsafe-inline'",  # htmx and custom elements set widths and positions
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
IMMUTABLE = CacheControlHeader(max_age=365 * 24 * 3600, public=True, immutable=True)
_SECRET_PATHS = ("/a/", "/sign-in/")


async def secure(message: Message, scope: Scope) -> None:
    """Complete the headers of an answer; a `before_send` hook, since it must see errors too."""
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    headers.setdefault("content-security-policy", POLICY)
    headers.setdefault("x-content-type-options", "nosniff")
    # the path of a one-time link is its secret: it goes nowhere
    is_secret = scope["path"].startswith(_SECRET_PATHS)
    headers.setdefault("referrer-policy", "no-referrer" if is_secret else "same-origin")
    headers.setdefault("cache-control", "no-store")
