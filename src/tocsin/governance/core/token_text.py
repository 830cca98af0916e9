"""What the text of a token looks like, so that a typo is known before the database is asked.

`tocsin_`, 43 base62 digits of 256 random bits, then 6 base62 digits of the CRC-32 of all that
stands before: the form that secret scanners know from others (`tocsin_[0-9A-Za-z]{49}`).
"""

import hashlib
import re
import string
from zlib import crc32

PREFIX = "tocsin_"
ENTROPY_BYTES = 32
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_BODY = 43  # 62 ** 43 > 2 ** 256
_SUM = 6  # 62 ** 6 > 2 ** 32
_WHOLE = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_BODY + _SUM}}}")


def compose(entropy: bytes) -> str:
    """Return the token of 32 random bytes."""
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"{ENTROPY_BYTES} bytes make a token, not {len(entropy)}")
    text = PREFIX + _base62(int.from_bytes(entropy), _BODY)
    return text + _checksum(text)


def is_token(text: str) -> bool:
    """Say whether `text` can be a token at all: its form, and its checksum."""
    return bool(_WHOLE.fullmatch(text)) and _checksum(text[:-_SUM]) == text[-_SUM:]


def digest(secret: str) -> bytes:
    """Return what is stored of a secret. It has 192 random bits or more: a slow hash adds nothing."""
    return hashlib.sha256(secret.encode()).digest()


def _checksum(text: str) -> str:
    return _base62(crc32(text.encode()), _SUM)


def _base62(number: int, width: int) -> str:
    found = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        found.append(_DIGITS[digit])
    return "".join(reversed(found))
