"""What Twilio is told to do in a call or to a text message: TwiML."""

from xml.sax.saxutils import escape, quoteattr

from tocsin.oncall.core.phone import Script, spoken
from tocsin.oncall.ports import Outgoing

KEY_WAIT_S = 8
ROUNDS = 3
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
_LATER = "Nobody pressed a key. Goodbye."


def call(script: Script, keys_url: str) -> bytes:
    """Say a script, and where it asks for a key, wait for one and say it again."""
    said = f"<Say>{_safe(script.text)}</Say>"
    if not script.keys:
        return _response(f"{said}<Hangup/>")
    gather = (
        f'<Gather input="dtmf" numDigits="1" timeout="{KEY_WAIT_S}" method="POST"'
        f" action={quoteattr(keys_url)}>{said}</Gather>"
    )
    return _response(f"{gather * ROUNDS}<Say>{_LATER}</Say><Hangup/>")


def hang_up() -> bytes:
    """End a call without a word."""
    return _response("<Hangup/>")


def speech(message: Outgoing) -> bytes:
    """Say a message twice and hang up: nobody can be asked what a key means."""
    if message.event == "page":
        name = f"incident {message.incident.removeprefix('INC-')}"
        title = message.subject.partition("] ")[2] or message.subject
        text = (
            f"This is Tocsin, with a page for {name}. {spoken(title)}."
            " Please open Tocsin to acknowledge."
        )
    else:
        text = spoken(message.text.partition("\n\n")[0])
    said = f"<Say>{_safe(text)}</Say>"
    return _response(f'{said}<Pause length="1"/>{said}<Hangup/>')


def text(words: str) -> bytes:
    """Answer a text message; with no words, do not."""
    return _response(f"<Message>{_safe(words)}</Message>" if words else "")


def _response(inner: str) -> bytes:
    return f"{_HEAD}<Response>{inner}</Response>".encode()


def _safe(words: str) -> str:
    return escape("".join(sign for sign in words if sign.isprintable() or sign == "\n"))
