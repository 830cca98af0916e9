"""Durations as people write them: `30s`, `5m`, `2h`, `7d`, or a mixture like `1h30m`."""

import re

from tocsin.kernel.errors import Invalid

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_WHOLE = re.compile(r"(?:[0-9]{1,6}[smhd])+")
_PART = re.compile(r"([0-9]+)([smhd])")


def seconds(text: str, *, field: str) -> int:
    """Return `text` in seconds. Raises Invalid, naming `field`."""
    if text == "0":
        return 0
    if not _WHOLE.fullmatch(text):
        raise Invalid(
            f"{field}: {text!r} is no duration; write e.g. 30s, 5m or 1h30m", field=field
        )
    return sum(int(n) * _UNITS_S[unit] for n, unit in _PART.findall(text))
