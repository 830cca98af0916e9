"""Send a message as electronic mail, one fresh SMTP session per attempt."""

import asyncio
import re
import socket
import ssl
import unicodedata
from collections.abc import Callable
from datetime import datetime
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime
from hashlib import sha256
from typing import cast
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import aiosmtplib
from typing_extensions import override

from tocsin.oncall.ports import (
    Outcome,
    Outgoing,
    PermanentFailure,
    Sent,
    TransientFailure,
)

MAX_SUBJECT = 200
MAX_TEXT = 65_536
MAX_HTML = 262_144

_DEFAULT_PORTS = {"smtp": 25, "smtps": 465}
_STARTTLS = {"auto": None, "required": True, "never": False}
_ADDRESS = re.compile(
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[^\s\x00-\x1f\x7f@<>(),;:\\\"]{1,190}"
)
_PERMANENT_FROM = 500
_HOW = """

You can answer this mail: write ack, escalate or snooze 1h as its first line.
"""


class _Unfolded(UnstructuredHeader, BaseHeader):
    """A header on one line: a key that is folded and encoded matches no filter."""

    @override
    def fold(self, *, policy: Policy) -> str:
        """Write it, whatever lines the policy of the one who sends it may have."""
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("x-tocsin-key", _Unfolded)
_POLICY = SMTP.clone(header_factory=_HEADERS)


class Smtp:
    """A mail server as a channel: `smtp://user:password@host:587` or `smtps://host`.

    Plain `smtp` upgrades to TLS when the server offers it; `?starttls=required` insists,
    `?starttls=never` does not, `?verify=no` takes any certificate.
    """

    def __init__(
        self,
        url: str,
        *,
        sender: str,
        now: Callable[[], datetime],
        reply_to: str = "",
        timeout_s: float = 10.0,
    ) -> None:
        """`sender` is an address, or `Name <address>`; `reply_to` is where answers are read.

        Raises ValueError for a bad URL.
        """
        parts = urlsplit(url)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise ValueError("a mail server is given as smtp://host:port or smtps://host:port")
        self._parts = parts
        self._sender = sender
        self._now = now
        self._reply_to = reply_to
        self._timeout_s = timeout_s
        self._starttls, self._tls = _tls_options(parts)
        self._own_name = (
            socket.gethostname()
        )  # asked for here: a full name may need a name server

    async def send(self, message: Outgoing) -> Outcome:
        """Hand over one mail; repeats of one key carry the same Message-ID."""
        recipient = _recipient(message.to)
        if recipient is None:
            return PermanentFailure("address wrong: not a mail address", address_wrong=True)
        mail = compose(message, sender=self._sender, recipient=recipient, now=self._now())
        if message.word and self._reply_to:
            _invite_answer(mail, message, self._reply_to)
        client = self._client()
        try:
            async with asyncio.timeout(self._timeout_s):
                await client.connect()
                _, answer = await client.send_message(mail)
        except aiosmtplib.SMTPRecipientsRefused as refused:
            code, text = refused.recipients[0].code, refused.recipients[0].message
            return _judge(code, f"address wrong: {code} {text}", address_wrong=True)
        except aiosmtplib.SMTPResponseException as refused:
            return _judge(refused.code, f"{refused.code} {refused.message}")
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as failed:
            reason = str(failed) or f"no answer within {self._timeout_s:g} s"
            return TransientFailure(f"{type(failed).__name__}: {reason}"[:300])
        finally:
            _hang_up(client)
        return Sent(f"{mail['Message-ID']} {answer}"[:300])

    def _client(self) -> aiosmtplib.SMTP:
        parts = self._parts
        return aiosmtplib.SMTP(
            hostname=parts.hostname,
            port=parts.port or _DEFAULT_PORTS[parts.scheme],
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            use_tls=parts.scheme == "smtps",
            local_hostname=self._own_name,
            start_tls=self._starttls,
            tls_context=self._tls,
            timeout=self._timeout_s,
        )


def _hang_up(client: aiosmtplib.SMTP) -> None:
    """Say goodbye without waiting for the answer, which a server that hangs does not give."""
    transport = cast("asyncio.WriteTransport | None", client.transport)
    if transport is not None and not transport.is_closing():
        transport.write(b"QUIT\r\n")
    client.close()


def compose(
    message: Outgoing, *, sender: str, recipient: Address, now: datetime
) -> EmailMessage:
    """Build the mail; what comes from alerts cannot add a header or a recipient.

    A reader threads by `References`; auto-responders stay quiet for `Auto-Submitted`.
    """
    host = _host(sender)
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = _clean(sender)
    mail["To"] = recipient
    mail["Subject"] = _clean(message.subject)[:MAX_SUBJECT] or "(no subject)"
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{_digest(message.key)}@{host}>"
    if message.thread:
        mail["References"] = mail["In-Reply-To"] = f"<{_digest(message.thread)}@{host}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail["X-Tocsin-Key"] = _clean(message.key)[:200].encode("ascii", "replace").decode()
    mail.set_content(_body(message.text, MAX_TEXT))
    if message.html is not None and len(message.html) <= MAX_HTML:
        mail.add_alternative(_body(message.html, MAX_HTML), subtype="html")
    return mail


def _invite_answer(mail: EmailMessage, message: Outgoing, reply_to: str) -> None:
    """Let the page be answered by mail: a program that replies keeps what stands in References."""
    mail["Reply-To"] = _clean(reply_to)
    known = mail["References"] or ""
    del mail["References"]
    mail["References"] = f"{known} <re.{message.word}@{_host(reply_to)}>".strip()
    text = f"{_body(message.text, MAX_TEXT)}{_HOW}"
    part = mail.get_body(("plain",))
    if isinstance(part, EmailMessage):
        part.set_content(text)


def _host(address: str) -> str:
    return _clean(address.rpartition("@")[2].rstrip("> ")) or "tocsin.invalid"


def _tls_options(parts: SplitResult) -> tuple[bool | None, ssl.SSLContext]:
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    starttls = options.pop("starttls", "auto")
    verify = options.pop("verify", "yes")
    if options or starttls not in _STARTTLS or verify not in {"yes", "no"}:
        raise ValueError("a mail URL knows ?starttls=auto|required|never and ?verify=yes|no")
    context = ssl.create_default_context()
    if verify == "no":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    upgrade = False if parts.scheme == "smtps" else _STARTTLS[starttls]
    return upgrade, context


def _recipient(text: str) -> Address | None:
    address = text.removeprefix("mailto:").strip()
    if not _ADDRESS.fullmatch(address):
        return None
    local, _, domain = address.partition("@")
    try:
        return Address(username=local, domain=domain.encode("idna").decode())
    except (UnicodeError, ValueError):
        return None


def _judge(code: int, reason: str, *, address_wrong: bool = False) -> Outcome:
    if code >= _PERMANENT_FROM:
        return PermanentFailure(reason[:300], address_wrong=address_wrong)
    return TransientFailure(reason[:300], address_only=address_wrong)


def _clean(text: str) -> str:
    """Make one line of it: no control characters, nothing that turns the reading direction."""
    visible = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in text)
    return " ".join(visible.split())


def _body(text: str, limit: int) -> str:
    cut = text if len(text) <= limit else text[: limit - 20] + "\n[cut off]\n"
    return cut.replace("\0", "").encode("utf-8", "replace").decode()


def _digest(key: str) -> str:
    return sha256(key.encode("utf-8", "replace")).hexdigest()[:40]
