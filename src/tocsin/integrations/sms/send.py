"""Send a text message by any gateway that takes an HTTP request."""

import json
import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import parse_qsl, quote, urlencode

import msgspec
from msgspec import Struct

from tocsin.integrations.outbound import Answer, Outbound, deliver
from tocsin.integrations.sms.text import short
from tocsin.oncall.ports import Outcome, Outgoing, PermanentFailure

NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
DEFAULT_BODY = '{"to": "{to}", "text": "{text}"}'
BODY_MAX = 10_000
_PLACES = re.compile(r"\{(to|text|key)\}")
_HEADER = re.compile(r"([A-Za-z0-9-]{1,80})\s*:\s*([\x20-\x7e]{0,2000})")
_TYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded"}

Format = Literal["json", "form", "none"]


class Gateway(Struct, frozen=True, kw_only=True):
    """A gateway as it is set up: `{to}`, `{text}` and `{key}` stand for what changes.

    `id_path` names where in a JSON answer the message's id is: `messages.0.id`.
    """

    url: str
    method: str = "POST"
    headers: tuple[str, ...] = ()
    body: str = DEFAULT_BODY
    format: Format = "json"
    id_path: str = ""


class GatewaySms:
    """A gateway as a channel. It answers with a status, and may say how it calls the message."""

    def __init__(self, outbound: Outbound, gateway: Gateway) -> None:
        """Check template and headers. Raises ValueError, saying what is wrong with them."""
        self._outbound = outbound
        self._gateway = gateway
        self._headers = dict(map(_header, gateway.headers))
        if len(gateway.body) > BODY_MAX:
            raise ValueError(f"a body has at most {BODY_MAX} characters")
        _content(gateway, {"to": "+1", "text": "x", "key": "k"})

    async def send(self, message: Outgoing) -> Outcome:
        """Send once; 2xx means that the gateway took it."""
        if NUMBER.fullmatch(message.to) is None:
            return PermanentFailure(
                "not a telephone number as +4915123456789", address_wrong=True
            )
        values = {
            "to": message.to,
            "text": short(message, can_answer=False),
            "key": "".join(sign for sign in message.key if " " < sign < "\x7f")[:200],
        }
        gateway = self._gateway
        headers = {"User-Agent": "Tocsin", "Idempotency-Key": values["key"], **self._headers}
        if gateway.format in _TYPES:
            headers.setdefault("Content-Type", _TYPES[gateway.format])
        return await deliver(
            self._outbound, _filled(gateway.url, {k: quote(v, safe="") for k, v in values.items()}),
            headers=headers, content=_content(gateway, values), read_id=self._id,
            method=gateway.method,
        )  # fmt: skip

    def _id(self, answer: Answer) -> str:
        path = self._gateway.id_path
        if not path:
            return ""
        try:
            found = msgspec.json.decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return ""
        for part in path.split("."):
            if isinstance(found, Mapping):
                found = found.get(part)
            elif isinstance(found, list) and part.isdecimal() and int(part) < len(found):
                found = found[int(part)]
            else:
                return ""
        return str(found) if isinstance(found, str | int) else ""


def _header(text: str) -> tuple[str, str]:
    found = _HEADER.fullmatch(text.strip())
    if found is None:
        raise ValueError("a header is written as `Name: value`")
    return found[1], found[2]


def _content(gateway: Gateway, values: Mapping[str, str]) -> bytes | None:
    """Fill the template in after it was read, so that no text of an alert can change its form."""
    match gateway.format:
        case "json":
            try:
                template = json.loads(gateway.body)
            except ValueError:
                raise ValueError("the body is no JSON") from None
            return msgspec.json.encode(_filled_in(template, values))
        case "form":
            try:
                pairs = parse_qsl(gateway.body, keep_blank_values=True, strict_parsing=True)
            except ValueError:
                raise ValueError("the body is no form, such as to={to}&text={text}") from None
            return urlencode([(name, _filled(value, values)) for name, value in pairs]).encode()
        case "none":
            return None


def _filled_in(template: object, values: Mapping[str, str]) -> object:
    if isinstance(template, str):
        return _filled(template, values)
    if isinstance(template, list):
        return [_filled_in(one, values) for one in template]
    if isinstance(template, dict):
        return {name: _filled_in(one, values) for name, one in template.items()}
    return template


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _PLACES.sub(lambda found: values[found[1]], text)
