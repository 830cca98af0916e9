"""What answers HTTP from the first moment on: until there is a database, with what it waits for."""

from collections.abc import Awaitable
from http import HTTPStatus

import msgspec

from tocsin.kernel.db_trouble import WORDS, Trouble
from tocsin.web import services
from tocsin.web.headers import ALWAYS
from tocsin.web.inbound_body import App, Receive, Scope, Send
from tocsin.web.problems import problem
from tocsin.web.templating import assets, environment

TITLE = "Tocsin is starting."
RETRY_S = 2


class Front:
    """Hands everything to the application once there is one."""

    def __init__(self) -> None:
        self.app: App | None = None
        self.trouble = Trouble.STARTING

    def hear(self, trouble: Trouble) -> None:
        """Say from now on that this is waited for."""
        self.trouble = trouble

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one ASGI connection."""
        return (self.app or self._answer)(scope, receive, send)

    async def _answer(self, scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        status, media_type, body = self._say(scope)
        headers = {
            **ALWAYS,
            "content-type": media_type,
            "content-length": str(len(body)),
            "retry-after": str(RETRY_S),
        }
        lines = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": lines})
        await send({"type": "http.response.body", "body": body})

    def _say(self, scope: Scope) -> tuple[int, str, bytes]:
        path, unavailable = scope["path"], int(HTTPStatus.SERVICE_UNAVAILABLE)
        if path == "/health/live":
            return 200, "text/plain; charset=utf-8", b"ok"
        if path == "/health/ready":
            return unavailable, "application/json", msgspec.json.encode(self._readiness())
        detail = WORDS[self.trouble]
        accept = dict(scope["headers"]).get(b"accept", b"")
        if b"text/html" in accept and not path.startswith("/api/"):
            page = environment(assets()).get_template("outage.html")
            told = page.render(status=unavailable, title=TITLE, detail=detail, again=True)
            return unavailable, "text/html; charset=utf-8", told.encode()
        return (
            unavailable,
            "application/problem+json",
            problem(unavailable, "unavailable", TITLE, detail),
        )

    def _readiness(self) -> services.Readiness:
        return services.Readiness(
            ready=False, problems=(WORDS[self.trouble],), warnings=(),
            codes=("starting", self.trouble.code), database=self.trouble,
            sort_lag_s=0.0, due_lag_s=0.0, skew_s=0.0, unsealed_s=0.0,
        )  # fmt: skip
