"""Alertmanager's matchers, read and applied: classic grammar first, then UTF-8's.

Regular expressions come from anybody who may read, and run on the way of a page, so they run
on RE2: Go's own syntax, and time linear in the text whatever the pattern.
"""

import re
from functools import lru_cache
from typing import Protocol

import re2

from tocsin.kernel.vocabulary import Labels
from tocsin.triage.model import Matcher, MatchOp

MAX_PATTERN_BYTES = 1024

_OPERATOR = r"(=~|=|!=|!~)"
_CLASSIC = re.compile(rf"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*{_OPERATOR}\s*(.*?)\s*", re.DOTALL)
_QUOTED = r'"(?:[^"\\\n]|\\.)*"'
_BARE = r"""[^\s{}!=~,\\"'`]+"""
_UTF8 = re.compile(rf"\s*({_QUOTED}|{_BARE})\s*{_OPERATOR}\s*({_QUOTED}|{_BARE})\s*")
_GO_ESCAPE = re.compile(
    rb"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))"
)
_GO_SIMPLE = {
    b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t",
    b"v": b"\v", b"\\": b"\\", b'"': b'"',
}  # fmt: skip
_GO_WORDS = {  # RE2 for C++ and for Go say the same in different words
    "missing ]": "missing closing ]",
    "missing )": "missing closing )",
    "no argument for repetition operator": "missing argument to repetition operator",
    "invalid repetition size": "invalid repeat count",
    "invalid perl operator": "invalid or unsupported Perl syntax",
}
_PLAIN_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_CLASSIC_ESCAPE = re.compile(r'\\(["n\\])')


class Pattern(Protocol):
    """The one thing asked of a compiled expression."""

    def fullmatch(self, text: str) -> object | None:
        """Match the whole text, or return None."""
        ...


def parse_matcher(text: str) -> Matcher:
    r"""Read `name=value`, `=~`, `!=` or `!~`, quoted or not, also `"any name"="any value"`.

    Where both grammars read a text differently the classic one is believed, as upstream's
    default mode does. Raises ValueError in upstream's words.
    """
    classic = _CLASSIC.fullmatch(text)
    value = _classic_value(classic[3]) if classic else None
    if classic is not None and value is not None:
        return _checked(classic[1], classic[2], value)
    utf8 = _UTF8.fullmatch(text)
    name, value = (_utf8_text(utf8[1]), _utf8_text(utf8[3])) if utf8 else (None, None)
    if utf8 is not None and name and value is not None:
        return _checked(name, utf8[2], value)
    if classic is not None:
        raise ValueError(f"matcher value contains unescaped double quote: {classic[3]}")
    raise ValueError(f"bad matcher format: {text}")


def matches(matcher: Matcher, labels: Labels) -> bool:
    """Say whether `labels` satisfy `matcher`; an absent label is the empty string."""
    value = labels.get(matcher.name, "")
    match matcher.op:
        case MatchOp.EQUAL:
            return value == matcher.value
        case MatchOp.NOT_EQUAL:
            return value != matcher.value
        case MatchOp.MATCHES:
            return anchored(matcher.value).fullmatch(value) is not None
        case MatchOp.NOT_MATCHES:
            return anchored(matcher.value).fullmatch(value) is None


def spell(matcher: Matcher) -> str:
    """Write a matcher so that `parse_matcher` reads it back, and a person too."""
    name = matcher.name if _PLAIN_NAME.fullmatch(matcher.name) else _quoted(matcher.name)
    return f"{name}{matcher.op}{_quoted(matcher.value)}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


@lru_cache(maxsize=1024)
def anchored(pattern: str) -> Pattern:
    """Compile an expression that has to match the whole text. Raises ValueError."""
    if len(pattern.encode()) > MAX_PATTERN_BYTES:
        raise ValueError(f"error parsing regexp: longer than {MAX_PATTERN_BYTES} bytes")
    options = re2.Options()
    options.log_errors = False
    try:
        compiled: Pattern = re2.compile(f"^(?:{pattern})$", options)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace")
        raise ValueError(f"error parsing regexp: {_in_go_words(reason)}") from None
    return compiled


def _in_go_words(reason: str) -> str:
    what, _, where = reason.partition(": ")
    return f"{_GO_WORDS.get(what, what)}: `{where}`"


def _checked(name: str, operator: str, value: str) -> Matcher:
    matcher = Matcher(name=name, op=MatchOp(operator), value=value)
    if matcher.op in {MatchOp.MATCHES, MatchOp.NOT_MATCHES}:
        anchored(value)
    return matcher


def _classic_value(raw: str) -> str | None:
    """Undo the classic quoting; None for a double quote that nothing protects."""
    inner = raw.removeprefix('"')
    if inner != raw:
        if not re.fullmatch(r'(?:[^"\\]|\\.)*"', inner, re.DOTALL):
            return None
        inner = inner[:-1]
    if re.search(r'(?<!\\)(?:\\\\)*"', inner):
        return None
    return _CLASSIC_ESCAPE.sub(lambda found: found[1].replace("n", "\n"), inner)


def _utf8_text(raw: str) -> str | None:
    """Undo Go's quoting; a bare run stands for itself; None for an escape Go has not."""
    if not raw.startswith('"'):
        return raw
    try:
        return _GO_ESCAPE.sub(_go_escape, raw[1:-1].encode()).decode()
    except (UnicodeDecodeError, KeyError, ValueError, OverflowError):
        return None


def _go_escape(found: re.Match[bytes]) -> bytes:
    byte, short, long, octal, simple = found.groups()
    if byte or octal:
        return int(byte or octal, 16 if byte else 8).to_bytes(1)
    if short or long:
        return chr(int(short or long, 16)).encode()
    return _GO_SIMPLE[simple]
