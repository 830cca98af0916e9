"""What every answer says about itself: what it may load, who may frame it, who may keep it."""

from litestar.datastructures import CacheControlHeader, MutableScopeHeaders
from litestar.types import Message, Scope

# htmx and custom elements set widths and positions, hence the one `unsafe-inline`
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; "
    "worker-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)
IMMUTABLE = CacheControlHeader(max_age=365 * 24 * 3600, public=True, immutable=True)
ALWAYS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}


async def complete(message: Message, scope: Scope) -> None:
    """Complete the headers of whatever is sent; a `before_send` hook, since it must see errors."""
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    # the path of a one-time link is the secret: it goes nowhere
    if scope["path"].startswith(("/a/", "/sign-in/")):
        headers["referrer-policy"] = "no-referrer"
    for name, value in ALWAYS.items():
        headers.setdefault(name, value)
