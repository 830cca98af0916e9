"""Durations as people write them: `30s`, `5m`, `2h`, `7d`, or a mixture like `1h30m`; and say them."""

import re
from datetime import timedelta
from typing import Annotated

from msgspec import Meta

from tocsin.kernel.errors import Invalid

Duration = Annotated[
    str,
    # for editors alone: `seconds` refuses in words that say more than a pattern does
    Meta(extra_json_schema={"pattern": "^(0|([0-9]{1,6}[smhd])+)$", "examples": ["5m"]}),
]
_UNITS_S = {"d": 86400, "h": 3600, "m": 60, "s": 1}
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


def written(duration_s: int) -> str:
    """Write seconds so that `seconds` reads them back."""
    found = []
    for name, unit_s in _UNITS_S.items():
        count, duration_s = divmod(duration_s, unit_s)
        found += [f"{count}{name}"] if count else []
    return "".join(found) or "0s"


def said(took: timedelta) -> str:
    """Say how long something took, in two units at most: 51 s, 7 min, 2 h 11 min."""
    whole_s = int(took.total_seconds())
    minutes, hours = whole_s // 60, whole_s // 3600
    if not minutes:
        return f"{whole_s} s"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
