"""A circuit breaker per provider: who has failed again and again is left alone for a while.

CLOSED lets everything through, OPEN nothing, HALF_OPEN one attempt that shows whether it is well.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from tocsin.oncall.model import MethodKind

FAILURES_MAX = 5
"""Failures in a row that open a breaker."""

FAILURES_LAST = timedelta(minutes=10)
"""A failure longer ago than this does not count: it was another trouble."""

OPEN_FIRST = timedelta(seconds=30)
OPEN_MAX = timedelta(minutes=5)
"""Each attempt that shows it is still down doubles the time, up to this."""

PROBE_LASTS = timedelta(seconds=30)
"""After this long without an outcome another attempt may show how it is."""

PROBED_WAIT_S = 5.0
"""How long others wait for that outcome before they ask again."""

_BY_HOST = frozenset(
    {MethodKind.WEBHOOK, MethodKind.NTFY, MethodKind.MATTERMOST, MethodKind.TEAMS}
)


class BreakerState(StrEnum):
    """Whether attempts go through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker(Struct, frozen=True, kw_only=True):
    """One provider's. `until` is when an open one lets somebody through, or a probe is given up."""

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    failed_at: datetime | None = None
    openings: int = 0
    until: datetime | None = None


WELL = Breaker()
"""What a breaker is once its provider has answered, be it by a refusal."""


def ask(breaker: Breaker, now: datetime) -> tuple[Breaker, bool]:
    """Say whether an attempt may go through, and what the breaker is then."""
    if breaker.state is BreakerState.CLOSED:
        return breaker, True
    if breaker.until is not None and now < breaker.until:
        return breaker, False
    return replace(breaker, state=BreakerState.HALF_OPEN, until=now + PROBE_LASTS), True


def wait_s(breaker: Breaker, now: datetime) -> float:
    """Return in how many seconds to ask again whoever was not let through at `now`.

    While one attempt shows how the provider is, the others look again soon.
    """
    if breaker.state is BreakerState.CLOSED or breaker.until is None:
        return 0.0
    left_s = max(0.0, (breaker.until - now).total_seconds())
    return min(left_s, PROBED_WAIT_S) if breaker.state is BreakerState.HALF_OPEN else left_s


def failed(breaker: Breaker, now: datetime, retry_after_s: float | None = None) -> Breaker:
    """Count a failure that may pass; a provider that names a time is not asked before it."""
    is_old = breaker.failed_at is not None and now - breaker.failed_at > FAILURES_LAST
    failures = 1 if is_old and breaker.state is BreakerState.CLOSED else breaker.failures + 1
    counted = replace(breaker, failures=failures, failed_at=now)
    if breaker.state is BreakerState.OPEN:
        return counted  # sent before it opened
    if breaker.state is BreakerState.CLOSED and failures < FAILURES_MAX:
        return counted
    wait = min(OPEN_FIRST * 2 ** min(breaker.openings, 10), OPEN_MAX)
    if retry_after_s is not None:
        wait = min(max(wait, timedelta(seconds=retry_after_s)), OPEN_MAX)
    return replace(
        counted, state=BreakerState.OPEN, openings=breaker.openings + 1, until=now + wait
    )


def provider_of(kind: MethodKind, address: str) -> str:
    """Name whom a method depends on: its kind, and where anybody may run one, its host."""
    if kind in _BY_HOST:
        return f"{kind} {_host(address)}".rstrip()
    if kind is MethodKind.APPRISE:
        return f"{kind} {address.partition(':')[0].lower()}"
    return str(kind)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
