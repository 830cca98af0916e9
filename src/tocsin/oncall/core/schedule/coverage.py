"""How much of a stretch of time has somebody on call. Pure."""

from collections.abc import Sequence
from datetime import datetime

from tocsin.oncall.model import Gap


def covered_share(found: Sequence[Gap], start: datetime, end: datetime) -> float:
    """Return which part of [start, end) has somebody on call, from 0 to 1."""
    free_s = sum((gap.end_at - gap.start_at).total_seconds() for gap in found)
    return 1 - free_s / (end - start).total_seconds()
