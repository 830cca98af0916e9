"""Twilio's webhooks in bytes: whether they are Twilio's, what they say, what is answered."""

import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, urlsplit

from tocsin.integrations.twilio import twiml
from tocsin.integrations.twilio.client import NUMBER, Account
from tocsin.kernel.errors import Forbidden, Invalid
from tocsin.oncall.core.phone import Script
from tocsin.oncall.core.receipt import ReceiptKind

BODY_MAX = 64 * 1024
FIELDS_MAX = 200
PROVIDER = "twilio"

Fields = Mapping[str, str]
News = tuple[ReceiptKind, str]

_MESSAGE: Mapping[str, ReceiptKind] = {
    "sent": ReceiptKind.SENT,
    "delivered": ReceiptKind.DELIVERED,
    "read": ReceiptKind.SEEN,
    "undelivered": ReceiptKind.UNDELIVERED,
    "failed": ReceiptKind.UNDELIVERED,
    "canceled": ReceiptKind.UNDELIVERED,
}
_LOST_CALLS: Mapping[str, str] = {
    "busy": "the line was busy",
    "no-answer": "nobody took the call",
    "failed": "the call could not be made",
    "canceled": "the call was cancelled",
}
_WHY: Mapping[str, str] = {
    "30003": "the telephone is off or out of reach",
    "30004": "the telephone blocks the message",
    "30005": "the number is unknown or not in use",
    "30006": "a landline, or a network that cannot be reached",
    "30007": "the network filtered it",
    "30008": "no reason was given",
}


class TwilioWire:
    """Reads and answers the webhooks of one account."""

    body_max = BODY_MAX
    provider = PROVIDER

    def __init__(self, account: Account) -> None:
        self._account = account

    def fields(self, body: bytes, *, urls: Sequence[str], signature: str) -> Fields:
        """Return what a request says, if Twilio signed it for one of `urls`.

        Raises Forbidden, and Invalid for what is no form.
        """
        try:
            pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX)
        except ValueError:
            raise Invalid("the body is no form") from None
        token = self._account.token
        known = [signed(one, pairs, token) for url in urls for one in _spellings(url)]
        if not any(hmac.compare_digest(one.encode(), signature.encode()) for one in known):
            raise Forbidden("this request was not signed by Twilio for this address")
        found = dict(pairs)
        if found.get("AccountSid", self._account.sid) != self._account.sid:
            raise Forbidden("this request is another account's")
        return found

    def text(self, fields: Fields) -> tuple[str, str, str]:
        """Return the id, the number and the words of a text message. Raises Invalid."""
        sid, number = fields.get("MessageSid", ""), fields.get("From", "")
        if not sid or not NUMBER.fullmatch(number):
            raise Invalid("a text message has a MessageSid and a From")
        return sid, number, fields.get("Body", "")[:1600]

    def message_news(self, fields: Fields) -> News | None:
        """Return what has become of a text message; None: nothing new."""
        return message_news(fields.get("MessageStatus", ""), fields.get("ErrorCode", ""))

    def call_news(self, fields: Fields) -> News | None:
        """Return what has become of a call; None: nothing that says anything."""
        return call_news(fields.get("CallStatus", ""), fields.get("AnsweredBy", ""))

    def by_machine(self, fields: Fields) -> bool:
        """Say whether it was no person that took the call."""
        return is_machine(fields.get("AnsweredBy", ""))

    def key(self, fields: Fields) -> tuple[str, str]:
        """Return the call, and the key that was pressed in it. Raises Invalid."""
        call = fields.get("CallSid", "")
        if not call:
            raise Invalid("a call has a CallSid")
        return call, fields.get("Digits", "")[:1]

    def say(self, script: Script | None, keys_url: str) -> bytes:
        """Answer a call; None: hang up."""
        return twiml.hang_up() if script is None else twiml.call(script, keys_url)

    def answer(self, words: str) -> bytes:
        """Answer a text message; "": not at all."""
        return twiml.text(words)


def signed(url: str, pairs: Sequence[tuple[str, str]], token: str) -> str:
    """Return Twilio's signature: https://www.twilio.com/docs/usage/security, of URL and form."""
    text = url + "".join(f"{name}{value}" for name, value in sorted(set(pairs)))
    digest = hmac.new(token.encode(), text.encode("utf-8", "replace"), "sha1").digest()
    return b64encode(digest).decode()


def message_news(status: str, code: str) -> News | None:
    """Return what a status of a message means."""
    kind = _MESSAGE.get(status)
    if kind is None:
        return None
    if kind is not ReceiptKind.UNDELIVERED:
        return kind, f"Twilio: {status}"
    said = f"{status} {code}".strip()
    return kind, f"Twilio: {said}, {_WHY.get(code, 'it did not arrive')}"


def call_news(status: str, answered_by: str) -> News | None:
    """Return what a status of a call means: one that ended tells nothing unless somebody took it."""
    if status in _LOST_CALLS:
        return ReceiptKind.UNDELIVERED, f"Twilio: {_LOST_CALLS[status]}"
    if status == "completed" and is_machine(answered_by):
        return ReceiptKind.UNDELIVERED, "Twilio: an answering machine took the call"
    if status == "completed" and answered_by:
        return ReceiptKind.DELIVERED, "Twilio: the call was taken"
    return None


def is_machine(answered_by: str) -> bool:
    """Say whether a machine or a fax took a call; what Twilio cannot tell counts as a person."""
    return answered_by.startswith(("machine", "fax"))


def _spellings(url: str) -> tuple[str, ...]:
    """Return an address without and with its port: Twilio signs now the one, now the other."""
    parts = urlsplit(url)
    if parts.port is not None or not parts.hostname:
        bare = parts._replace(netloc=parts.netloc.rpartition(":")[0] or parts.netloc)
        return url, bare.geturl()
    port = 443 if parts.scheme == "https" else 80
    return url, parts._replace(netloc=f"{parts.netloc}:{port}").geturl()
