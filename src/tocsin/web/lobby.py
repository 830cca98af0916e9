"""How many screens, API requests and live streams are worked on at a time; more hear 503."""

from tocsin.kernel.errors import Unavailable
from tocsin.web.inbound_body import App, Receive, Scope, Send, header
from tocsin.web.problems import problem

REQUESTS_MAX = 128
LARGE_MAX = 8  # of them with a body that is, or may be, larger than LARGE_BYTES
LARGE_BYTES = 64 * 1024
STREAMS_MAX = 500
STREAM = "/live"


class Lobby:
    """Counts what is under way, and refuses before anything is read."""

    def __init__(self, behind: App) -> None:
        self.behind = behind
        self._counts = {"requests": 0, "large bodies": 0, "live streams": 0}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http":
            await self.behind(scope, receive, send)
            return
        kind, most = _kind(scope)
        if self._counts[kind] >= most:
            await _refuse(send, f"{most} {kind} are under way, which is the limit")
            return
        self._counts[kind] += 1
        try:
            await self.behind(scope, receive, send)
        finally:
            self._counts[kind] -= 1


def _kind(scope: Scope) -> tuple[str, int]:
    if scope["path"] == STREAM:
        return "live streams", STREAMS_MAX
    said = header(scope, b"content-length")
    is_chunked = bool(header(scope, b"transfer-encoding"))
    if is_chunked or (said.isdecimal() and int(said) > LARGE_BYTES):
        return "large bodies", LARGE_MAX
    return "requests", REQUESTS_MAX


async def _refuse(send: Send, detail: str) -> None:
    body = problem(503, Unavailable.code, Unavailable.title, detail)
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"retry-after", b"1"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})
