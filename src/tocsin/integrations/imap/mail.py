"""An answer to a page, read out of a mail: who, the word of the page, and the first line."""

import re
from email import message_from_bytes
from email.headerregistry import AddressHeader
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser

from msgspec import Struct
from typing_extensions import override

from tocsin.kernel.logs import Log

TEXT_MAX = 2000
log = Log("mail")
_WORD = re.compile(r"<re\.([0-9a-f]{32})@")
_ROBOTS = frozenset({"auto_reply", "bulk", "junk", "list"})


class Answer(Struct, frozen=True, kw_only=True):
    """What a mail says; `word` "" where it answers no page."""

    sender: str
    word: str
    text: str
    subject: str
    message_id: str


def read(raw: bytes) -> Answer | None:
    """Return an answer; None for what a machine wrote, and for what nobody can have written."""
    try:
        return _read(raw)
    except Exception as error:  # noqa: BLE001 - door: the library stumbles over what strangers write
        log.warning("mail.unreadable", error_kind=type(error).__name__)
        return None


def _read(raw: bytes) -> Answer | None:
    mail = message_from_bytes(raw, policy=default)
    if _is_by_a_robot(mail):
        return None
    senders = mail["From"].addresses if isinstance(mail["From"], AddressHeader) else ()
    if len(senders) != 1 or not senders[0].domain:
        return None
    threads = " ".join(str(mail.get(name, "")) for name in ("References", "In-Reply-To"))
    words = _WORD.findall(threads)
    return Answer(
        sender=senders[0].addr_spec, word=words[-1] if words else "",
        text=_text(mail)[:TEXT_MAX], subject=str(mail.get("Subject", ""))[:200],
        message_id=str(mail.get("Message-ID", ""))[:500],
    )  # fmt: skip


def _is_by_a_robot(mail: EmailMessage) -> bool:
    """Say whether it is a vacation notice, a bounce or a list's: to answer those makes loops."""
    automatic = str(mail.get("Auto-Submitted", "no")).strip().lower()
    precedence = str(mail.get("Precedence", "")).strip().lower()
    is_bounce = str(mail.get("Return-Path", "")).strip() == "<>"
    return automatic != "no" or precedence in _ROBOTS or is_bounce or "X-Autoreply" in mail


def _text(mail: EmailMessage) -> str:
    part = mail.get_body(("plain", "html"))
    if part is None:
        return ""
    try:
        text = part.get_content()
    except (LookupError, ValueError, KeyError):  # a charset that nobody knows
        return ""
    if not isinstance(text, str):
        return ""
    if part.get_content_subtype() != "html":
        return text
    plain = _Plain()
    plain.feed(text[:100_000])
    return "".join(plain.found)


class _Plain(HTMLParser):
    """The words of a page, a line for each block."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._hidden = 0

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a line where a block begins."""
        self._hidden += tag in {"head", "script", "style", "title"}
        if tag in {"blockquote", "br", "div", "li", "p", "tr"}:
            self.found.append("\n")

    @override
    def handle_endtag(self, tag: str) -> None:
        """Show again what comes after what is not shown."""
        self._hidden -= tag in {"head", "script", "style", "title"} and self._hidden > 0

    @override
    def handle_data(self, data: str) -> None:
        """Keep what is shown."""
        if not self._hidden:
            self.found.append(" ".join(data.split("\n")))
