"""Twilio on loopback: its REST API over real HTTP, and its webhooks, signed as it signs them."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx

ACCOUNT = "AC" + "0123456789abcdef" * 2
TOKEN = "twilio-auth-token-0123456789abcd"
NUMBER = "+15005550006"
PUBLIC = "https://tocsin.example.org"


class FakeTwilio:
    """One account. `refusals` answer the next requests; None hangs until the client goes away."""

    def __init__(self) -> None:
        self.port = 0
        self.messages: list[dict[str, Any]] = []
        self.calls: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.refusals: deque[tuple[int, Mapping[str, str], Mapping[str, Any]] | None] = deque()

    @property
    def settings(self) -> dict[str, Any]:
        """What an operator would set to use this account."""
        return {
            "url": PUBLIC,
            "twilio_account": ACCOUNT,
            "twilio_token": TOKEN,
            "twilio_from": NUMBER,
            "twilio_url": f"http://127.0.0.1:{self.port}",
            "allow_networks": ("127.0.0.0/8",),
        }

    def refuse(self, status: int, code: int, message: str, **headers: str) -> None:
        """Answer the next request like this."""
        body = {
            "code": code, "message": message, "status": status,
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
        }  # fmt: skip
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.refusals.append((status, named, body))

    def text_in(self, number: str, text: str, at: datetime) -> str:
        """Let a text message come in; return its id."""
        sid = f"SM{len(self.messages):032x}"
        self.messages.append(
            {
                "sid": sid, "direction": "inbound", "from": number, "to": NUMBER, "body": text,
                "status": "received", "date_sent": format_datetime(at), "error_code": None,
            }
        )  # fmt: skip
        return sid

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.split("\r\n")[:-2]
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        method, target, _ = first.split(" ")
        self.asked.append(f"{method} {target}")
        refusal = self.refusals.popleft() if self.refusals else (0, {}, {})
        if refusal is None:
            await reader.read()
            writer.close()
            return
        status, more, said = refusal
        if not status:
            more = {}
            status, said = self._answer(method, target, headers, body)
        text = json.dumps(said).encode()
        answer = {"content-type": "application/json", "content-length": str(len(text)), **more}
        lines = [
            f"HTTP/1.1 {status} Because",
            *(f"{k}: {v}" for k, v in answer.items()),
            "",
            "",
        ]
        writer.write("\r\n".join(lines).encode() + text)
        writer.close()

    def _answer(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, Any]]:
        expected = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if headers.get("authorization") != f"Basic {expected}":
            return 401, {"code": 20003, "message": "Authenticate", "status": 401}
        parts = urlsplit(target)
        resource = parts.path.removeprefix(f"/2010-04-01/Accounts/{ACCOUNT}/")
        if method == "POST":
            assert headers["content-type"] == "application/x-www-form-urlencoded"
            form = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
            return self._made(resource, form)
        if resource == "Messages.json":
            return 200, self._listed(parse_qs(parts.query))
        for one in (*self.messages, *self.calls):
            if resource in (f"Messages/{one['sid']}.json", f"Calls/{one['sid']}.json"):
                return 200, one
        return 404, {"code": 20404, "message": "not found", "status": 404}

    def _made(self, resource: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if not form.get("To", "").startswith("+"):
            said = f"The 'To' number {form.get('To')} is not a valid phone number."
            return 400, {"code": 21211, "message": said, "status": 400}
        is_call = resource == "Calls.json"
        if is_call:
            assert ("Url" in form) != ("Twiml" in form)
        kept = self.calls if is_call else self.messages
        made: dict[str, Any] = {
            "sid": f"{'CA' if is_call else 'SM'}{len(kept):032x}", "status": "queued",
            "direction": "outbound-api", "to": form["To"], "from": form.get("From"),
            "body": form.get("Body"), "error_code": None, "answered_by": None, "form": form,
            "date_sent": None, "date_created": "Fri, 27 Mar 2026 12:00:00 +0000",
        }  # fmt: skip
        kept.append(made)
        return 201, {name: value for name, value in made.items() if name != "form"}

    def _listed(self, query: Mapping[str, list[str]]) -> dict[str, Any]:
        """List as Twilio does: the newest first, by pages, each naming the next."""
        wanted = query.get("To", [""])[0]
        found = [one for one in reversed(self.messages) if not wanted or one["to"] == wanted]
        size, page = int(query["PageSize"][0]), int(query.get("Page", ["0"])[0])
        shown, rest = found[page * size : (page + 1) * size], found[(page + 1) * size :]
        more = {"PageSize": str(size), "Page": str(page + 1), "PageToken": "PA1", "To": wanted}
        uri = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json?{urlencode(more)}"
        plain = [{k: v for k, v in one.items() if k != "form"} for one in shown]
        return {"messages": plain, "next_page_uri": uri if rest else None}


def sign(url: str, fields: Mapping[str, str], token: str = TOKEN) -> str:
    """Sign as https://www.twilio.com/docs/usage/security says."""
    text = url
    for name in sorted(fields):
        text += name + fields[name]
    return base64.b64encode(
        hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
    ).decode()


async def hook(
    http: httpx.AsyncClient,
    path: str,
    fields: Mapping[str, str],
    *,
    token: str = TOKEN,
    url: str = "",
    **headers: str,
) -> httpx.Response:
    """Call a webhook of Tocsin as Twilio does; `path` may be a whole address."""
    target = path.removeprefix(PUBLIC)
    sent = {"AccountSid": ACCOUNT, "ApiVersion": "2010-04-01", **fields}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named["x-twilio-signature"] = sign(url or f"{PUBLIC}{target}", sent, token)
    return await http.post(target, data=sent, headers=named)


@asynccontextmanager
async def twilio() -> AsyncIterator[FakeTwilio]:
    """Run one."""
    fake = FakeTwilio()
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.port = server.sockets[0].getsockname()[1]
    async with server:
        yield fake
