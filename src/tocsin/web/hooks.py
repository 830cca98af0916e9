"""Webhooks of who sends our text messages and calls: raw ASGI, no session, the signature decides.

Paths below `/hooks/twilio/`: `sms` brings an answer, `sms/ID/N` a receipt; `voice/ID/N` asks what
a call says, `…/keys` brings a key that was pressed, `…/status` how the call ended.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from tocsin.kernel.errors import Invalid, NotFound
from tocsin.kernel.ids import NotificationId
from tocsin.oncall.actions import KeyPressed, Receipt, TextAnswer
from tocsin.oncall.core.receipt import ReceiptKind
from tocsin.web.address import is_trusted
from tocsin.web.inbound_body import Answer, Receive, Scope, header, read
from tocsin.web.problems import problem
from tocsin.web.services import PhoneWire, Services

PREFIX = "/hooks/twilio/"
_XML = (b"content-type", b"text/xml; charset=utf-8")
_PROBLEM = (b"content-type", b"application/problem+json")
_NOTHING: Answer = (200, b"", ())


class Hooks:
    """Answers what Twilio asks and tells."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def answer(self, scope: Scope, receive: Receive) -> Answer:
        """Serve one request. Raises Forbidden for a wrong signature, NotFound, Invalid."""
        wire = self._services.phone_wire
        parts = scope["path"].removeprefix(PREFIX).split("/")
        if wire is None or parts[0] not in ("sms", "voice"):
            raise NotFound("there is nothing here; see TOCSIN_TWILIO_ACCOUNT")
        if scope["method"] != "POST":
            said = f"{scope['method']} is not allowed here; send POST"
            body = problem(405, "not-allowed", "Method not allowed", said)
            return 405, body, (_PROBLEM, (b"allow", b"POST"))
        fields = wire.fields(
            await read(receive, wire.body_max), urls=self._urls(scope),
            signature=header(scope, b"x-twilio-signature"),
        )  # fmt: skip
        if parts == ["sms"]:
            return await self._text(wire, fields)
        notification_id, attempt = _attempt(parts)
        match parts[0], parts[3:]:
            case "sms", []:
                return await self._receipt(notification_id, attempt, wire.message_news(fields))
            case "voice", ["status"]:
                return await self._receipt(notification_id, attempt, wire.call_news(fields))
            case "voice", []:
                by_machine = wire.by_machine(fields)
                script = await self._services.phones.take(
                    notification_id, attempt, by_machine=by_machine
                )
                return 200, wire.say(script, self._keys_url(parts)), (_XML,)
            case "voice", ["keys"]:
                return await self._key(wire, fields, parts)
            case _:
                raise NotFound("there is no such hook")

    async def _text(self, wire: PhoneWire, fields: Mapping[str, str]) -> Answer:
        message_id, number, text = wire.text(fields)
        words = await self._services.phones.text(
            TextAnswer(provider=wire.provider, message_id=message_id, number=number, text=text)
        )
        return 200, wire.answer(words), (_XML,)

    async def _receipt(
        self,
        notification_id: NotificationId,
        attempt: int,
        news: tuple[ReceiptKind, str] | None,
    ) -> Answer:
        if news is not None:
            kind, reason = news
            await self._services.phones.receipt(
                Receipt(
                    notification_id=notification_id, attempt=attempt, kind=kind, reason=reason
                )
            )
        return _NOTHING

    async def _key(
        self, wire: PhoneWire, fields: Mapping[str, str], parts: Sequence[str]
    ) -> Answer:
        notification_id, attempt = _attempt(parts)
        call_id, digit = wire.key(fields)
        script = await self._services.phones.press(
            KeyPressed(notification_id=notification_id, call_id=call_id, digit=digit)
        )
        if script is None:
            script = await self._services.phones.take(
                notification_id, attempt, by_machine=False
            )
        return 200, wire.say(script, self._keys_url(parts)), (_XML,)

    def _keys_url(self, parts: Sequence[str]) -> str:
        return f"{self._services.settings.base_url}{PREFIX}{'/'.join(parts[:3])}/keys"

    def _urls(self, scope: Scope) -> list[str]:
        """Return the addresses for which a request may have been signed.

        That is the one that people reach us at; and where a trusted proxy says that it was asked
        under another one, that too. The signature is over the address, so it cannot be borrowed.
        """
        path = scope.get("raw_path") or scope["path"].encode()
        target = path.partition(b"?")[0].decode("latin-1")
        if query := scope["query_string"].decode("latin-1"):
            target = f"{target}?{query}"
        urls = [f"{self._services.settings.base_url}{target}"]
        peer = (scope.get("client") or ("", 0))[0]
        host = header(scope, b"x-forwarded-host")
        if host and is_trusted(peer, self._services.proxies):
            scheme = header(scope, b"x-forwarded-proto").partition(",")[0].strip() or "https"
            urls.append(f"{scheme}://{host}{target}")
        return urls


def _attempt(parts: Sequence[str]) -> tuple[NotificationId, int]:
    try:
        found = NotificationId(UUID(parts[1])), int(parts[2])
    except (ValueError, IndexError):
        raise NotFound("there is no such hook") from None
    if not 0 < found[1] < 1000:  # noqa: PLR2004 - more attempts than there ever are
        raise Invalid("an attempt is a small number")
    return found
