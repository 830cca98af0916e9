"""Make a page short enough for a text message: letters of GSM 03.38, at most two segments."""

import unicodedata

from tocsin.oncall.ports import Outgoing

SEPTETS_MAX = 306  # two segments of 153, each with a header that joins them
SEPTETS_ONE = 160
KEYS = "Reply 4 ack, 6 escalate"

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("^{}\\[~]|€")  # each takes two septets
_LOOKALIKES = str.maketrans(
    {
        "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u201c": '"', "\u201d": '"', "\u201e": '"',
        "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2212": "-",
        "\u2026": "...", "\u00a0": " ", "\u202f": " ", "\u2022": "*", "\u00d7": "x", "`": "'",
        "\u2192": "->", "\u2190": "<-", "\u00ab": '"', "\u00bb": '"', "\t": " ",
    }
)  # fmt: skip


def gsm(text: str) -> str:
    """Spell a text in the letters that every telephone knows; what has no likeness is `?`."""
    return "".join(_letter(sign) for sign in text.translate(_LOOKALIKES))


def septets(text: str) -> int:
    """Count how long a text of these letters is on the wire."""
    return sum(2 if sign in _EXTENDED else 1 for sign in text)


def short(message: Outgoing, *, can_answer: bool) -> str:
    """Return what of a message leaves as text message: of a page its subject, keys and link."""
    if message.event != "page":
        return cut(_lines(gsm(message.text)), SEPTETS_MAX)
    tail = f"\n{KEYS}" if can_answer else ""
    link = gsm(message.ack_link)
    if link and septets(tail) + septets(link) + SEPTETS_ONE // 4 < SEPTETS_MAX:
        tail = f"{tail}\n{link}"
    head = " ".join(gsm(message.subject).split())
    if message.incident not in head:
        head = f"{message.incident} {head}"
    return cut(head, SEPTETS_MAX - septets(tail)) + tail


def cut(text: str, length: int) -> str:
    """Cut a text to so many septets, and show that it was."""
    if septets(text) <= length:
        return text
    kept, room = [], length - 3
    for sign in text:
        room -= 2 if sign in _EXTENDED else 1
        if room < 0:
            break
        kept.append(sign)
    return "".join(kept).rstrip() + "..."


def _letter(sign: str) -> str:
    if sign in _BASIC or sign in _EXTENDED:
        return sign
    if unicodedata.category(sign)[0] in "CM":
        return ""
    if unicodedata.category(sign)[0] == "Z":
        return " "
    plain = "".join(
        part for part in unicodedata.normalize("NFKD", sign) if not unicodedata.combining(part)
    )
    known = "".join(part for part in plain if part in _BASIC or part in _EXTENDED)
    return known or "?"


def _lines(text: str) -> str:
    """Leave out empty lines and lines that only a mail has room for."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)
