"""Codes that prove an address: how long they live, how often they may be tried, what they say."""

from datetime import timedelta

from tocsin.kernel.errors import Conflict, Invalid
from tocsin.kernel.resources.secret import MASK
from tocsin.oncall.core.message import Message
from tocsin.oncall.model import MethodKind

CODE_DIGITS = 6
CODE_LASTS = timedelta(minutes=10)
CODE_KEPT = timedelta(days=1)
TRIES = 5
# per person, whatever the address: what an SMS costs, somebody pays
LIMITS = ((timedelta(minutes=1), 3, "a minute"), (timedelta(hours=1), 10, "an hour"))
CODES = 10**CODE_DIGITS
_GROUP = 3


def spelled(number: int) -> str:
    """Return the code of a random number below `CODES`."""
    return f"{number:0{CODE_DIGITS}}"


def read(text: str) -> str:
    """Return the digits of a code as somebody typed it. Raises Invalid."""
    digits = "".join(text.split()).replace("-", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) == CODE_DIGITS):
        raise Invalid(f"a code has {CODE_DIGITS} digits, as in 123 456", field="code")
    return digits


def compose_code(code: str, kind: MethodKind) -> Message:
    """Say the code; a voice reads it digit by digit."""
    minutes = int(CODE_LASTS.total_seconds() // 60)
    _, grouped, said = _spellings(code)
    if kind.value == "voice":
        read_out = f"Your Tocsin code is {said}."
        return Message(read_out, read_out)
    return Message(
        f"{grouped} is your Tocsin code",
        f"{grouped} is your Tocsin code.\n\n"
        "Enter it on the screen where you asked for it, within"
        f" {minutes} minutes. Then pages can reach you here.\n"
        "If you did not ask for it, do nothing.\n",
    )


def without(text: str, code: str) -> str:
    """Take a code out of a provider's answer, which likes to quote what it refuses."""
    for spelling in _spellings(code):
        text = text.replace(spelling, MASK)
    return text


def _spellings(code: str) -> tuple[str, str, str]:
    return code, f"{code[:_GROUP]} {code[_GROUP:]}", ", ".join(code)


def can_be_verified(kind: MethodKind) -> None:
    """Refuse kinds that prove themselves otherwise. Raises Conflict."""
    if kind is MethodKind.INBOX:
        raise Conflict("the inbox stands in Tocsin itself: there is nothing to verify")
    if kind is MethodKind.PUSH:
        raise Conflict(
            "push is verified by subscribing: open Account, Contact methods on the device and"
            " turn push on there"
        )
