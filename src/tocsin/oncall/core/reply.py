"""What a person answers to a page in words: in a chat, in a thread, by mail or by text message."""

import re
import unicodedata
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel import durations

LINE_MAX = 200
SNOOZE_MAX_S = 30 * 86_400

HELP = (
    "I understand: ack, escalate, snooze 1h, help. Name an incident where several wait:"
    " ack INC-12, or ack all."
)


class Verb(StrEnum):
    """What can be asked for in words. Resolving is not among it: that is said in Tocsin."""

    ACKNOWLEDGE = "acknowledge"
    ESCALATE = "escalate"
    SNOOZE = "snooze"
    HELP = "help"


class Reply(Struct, frozen=True, kw_only=True):
    """What somebody asks for: of incident `number`, of all that call them, or of what is meant.

    `for_s` is how long a snooze lasts, in seconds.
    """

    verb: Verb
    number: int | None = None
    is_all: bool = False
    for_s: int = 0


class Unclear(Struct, frozen=True):
    """Said to Tocsin and not understood; nothing was done. `words` say what would be."""

    words: str


_VERBS = {
    "ack": Verb.ACKNOWLEDGE,
    "acknowledge": Verb.ACKNOWLEDGE,
    "esc": Verb.ESCALATE,
    "escalate": Verb.ESCALATE,
    "snooze": Verb.SNOOZE,
    "help": Verb.HELP,
}
_ENDS = frozenset({"resolve", "resolved", "close", "done"})
_NAMED = re.compile(r"[!/]?tocsin\b[:,]?\s*!?")
_BANG = re.compile(r"!\s*(?=[a-z])")
_WORD = re.compile(r"([a-z]+)[.!]*(?=\s|$)")
# "1h30m", "2 hours"; "INC-12", "inc 12", "#12", "12"
_LENGTH = re.compile(
    r"(?:[0-9]{1,5}\s*(?:days?|d|hours?|hrs?|h|minutes?|mins?|m)(?![a-z])\s*)+"
)
_PART = re.compile(r"([0-9]{1,5})\s*([dhm])")
_REFERENCE = re.compile(r"(?:inc[-\s]?|#)([0-9]{1,9})\b")
_LOOSE = re.compile(r"(?:inc[-\s]?|#)?([0-9]{1,9})\b")
_ALL = re.compile(r"all\b")
_FILLER = re.compile(r"(?:for|please)\b|[.,!]+|\s+")


def read(text: str, *, is_direct: bool) -> Reply | Unclear | None:
    """Read the first line that says anything; None: it is not said to Tocsin.

    Who writes to Tocsin alone (`is_direct`) needs no `!` and no `/tocsin` before it.
    """
    line = _first_line(text)
    if not line:
        return None
    named = _NAMED.match(line)
    bang = None if named else _BANG.match(line)
    rest = line[named.end() if named else bang.end() if bang else 0 :]
    if not (named or bang or is_direct):
        return None
    if named and not rest:
        return Reply(verb=Verb.HELP)
    word = _WORD.match(rest)
    verb = _VERBS.get(word[1]) if word else None
    if word is not None and verb is not None:
        return _asked(verb, rest[word.end() :])
    if word is not None and word[1] in _ENDS:
        return Unclear("An incident is resolved in Tocsin itself, or by its sender. " + HELP)
    # in a room "!deploy" is for somebody else
    return Unclear(f"I did nothing. {HELP}") if named or is_direct else None


def _asked(verb: Verb, rest: str) -> Reply | Unclear:
    reply, at = Reply(verb=verb), 0
    while verb is not Verb.HELP and at < len(rest):
        found = _next(reply, rest, at)
        if found is None:
            return Unclear(f"I did nothing: I do not understand all of that. {HELP}")
        reply, at = found
    return _checked(reply)


def _next(reply: Reply, rest: str, at: int) -> tuple[Reply, int] | None:
    """Read one more word at a place; None: it is none that belongs here."""
    is_snooze = reply.verb is Verb.SNOOZE
    if found := _FILLER.match(rest, at):
        return reply, found.end()
    if is_snooze and not reply.for_s and (found := _LENGTH.match(rest, at)):
        return replace(reply, for_s=_seconds(found[0])), found.end()
    if found := _ALL.match(rest, at):
        return replace(reply, is_all=True), found.end()
    # a bare number could be minutes as well, where somebody snoozes
    reference = _REFERENCE if is_snooze else _LOOSE
    if reply.number is None and (found := reference.match(rest, at)):
        return replace(reply, number=int(found[1])), found.end()
    return None


def _checked(reply: Reply) -> Reply | Unclear:
    if reply.is_all and (reply.number is not None or reply.verb is not Verb.ACKNOWLEDGE):
        return Unclear(f"I did nothing: only `ack` knows `all`. {HELP}")
    if reply.verb is Verb.SNOOZE and not 0 < reply.for_s <= SNOOZE_MAX_S:
        return Unclear("For how long? Write snooze 30m, snooze 1h or snooze INC-12 2h.")
    return reply


def _seconds(text: str) -> int:
    parts = "".join(f"{count}{unit}" for count, unit in _PART.findall(text))
    return durations.seconds(parts, field="snooze")


def _first_line(text: str) -> str:
    """Return the first line with anything visible on it, in small letters and single spaces."""
    plain = unicodedata.normalize("NFKC", text[: 50 * LINE_MAX])
    for line in plain.splitlines():
        visible = "".join(
            " " if unicodedata.category(sign)[0] == "Z" else sign
            for sign in line
            if unicodedata.category(sign)[0] != "C" or sign == "\t"
        )
        if visible.strip():
            return " ".join(visible[:LINE_MAX].casefold().split())
    return ""
