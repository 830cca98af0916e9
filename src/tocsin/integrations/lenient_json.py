"""Read JSON that somebody's alert depends on: a broken letter in it loses no page."""

import re
from typing import Any

import msgspec

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_decode = msgspec.json.Decoder().decode


def read(body: bytes) -> Any:
    r"""Decode a body; broken UTF-8, lone surrogates and \u0000 become U+FFFD. Raises ValueError."""
    if b"\\u0000" in body:  # neither PostgreSQL nor the CEL engine has it
        body = body.replace(b"\\u0000", b"\\ufffd")
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    except RecursionError:
        raise ValueError("nested too deep") from None
    text = body.decode("utf-8", "replace").lstrip("\ufeff")
    try:
        return _decode(_SURROGATE.sub(r"\\ufffd", text))
    except RecursionError:
        raise ValueError("nested too deep") from None
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None


def storable(text: str) -> str:
    """Return text that PostgreSQL takes: what it does not have becomes U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)
