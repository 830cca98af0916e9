"""What makes Tocsin an app on a phone, which is what lets push through on some: its manifest."""

from typing import Any, Final

from litestar import Response, get
from msgspec import json

from tocsin.web.templating import assets

NAME = "Tocsin"
_INK = "#0b1220"


def manifest() -> dict[str, Any]:
    """Return the web app manifest, with the icons as they were built."""
    entries = assets()
    sizes = (("icon-192.png", "192x192", "any"), ("icon-512.png", "512x512", "any"))
    icons = [
        {"src": f"/static/{entries[name]}", "sizes": size, "type": "image/png", "purpose": why}
        for name, size, why in (*sizes, ("icon-maskable-512.png", "512x512", "maskable"))
    ]
    return {
        "id": "/",
        "name": NAME,
        "short_name": NAME,
        "description": "Pages that arrive, and one tap to take them.",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": _INK,
        "theme_color": _INK,
        "icons": icons,
        "shortcuts": [
            {"name": "Inbox", "url": "/inbox"},
            {"name": "Contact methods", "url": "/account/contacts"},
        ],
    }


@get("/manifest.webmanifest")
async def web_manifest() -> Response[bytes]:
    """Serve the manifest; who is signed out may read it, it says nothing of anybody."""
    headers = {"cache-control": "no-cache"}
    body = json.encode(manifest())
    return Response(body, media_type="application/manifest+json", headers=headers)


ROUTES: Final = (web_manifest,)
