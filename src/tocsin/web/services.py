"""What `app.py` hands to the web floor: everything a route may use."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from tocsin.kernel.clock import Clock
from tocsin.kernel.db import Database
from tocsin.kernel.events import Catalog
from tocsin.kernel.live import Hub
from tocsin.kernel.resources import Store
from tocsin.kernel.settings import Settings
from tocsin.kernel.unit import Units
from tocsin.signals.actions import Intake
from tocsin.signals.model import Split, Unreadable
from tocsin.triage.model import Alert
from tocsin.web.identity import Identity


class Readiness(Struct, frozen=True, kw_only=True):
    """Whether alerts can be taken and pages sent; `problems` say why not, `warnings` what is odd."""

    ready: bool
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    sort_lag_s: float
    due_lag_s: float
    skew_s: float
    unsealed_s: float


class AlertmanagerWire(Protocol):
    """Alertmanager's API v2 in bytes; `app.py` brings the vendor's folder."""

    def split(self, body: bytes, *, lanes: int) -> Split:
        """Check and cut a POST. Raises Unreadable."""
        ...

    def refused(self, refusals: Sequence[str]) -> Unreadable:
        """Answer for alerts that were not kept."""
        ...

    def not_found(self, path: str) -> Unreadable:
        """Answer for an unknown path."""
        ...

    def not_allowed(self, method: str, allowed: Sequence[str]) -> Unreadable:
        """Answer for the wrong verb."""
        ...

    def unsupported(self, media_type: str) -> Unreadable:
        """Answer for a body that is not JSON."""
        ...

    def listing(self, alerts: Sequence[Alert], query: str) -> bytes:
        """Answer GET /alerts. Raises Unreadable for a bad filter."""
        ...

    def status(self, started_at: datetime) -> bytes:
        """Answer GET /status, which amtool asks first."""
        ...

    def receivers(self) -> bytes:
        """Answer GET /receivers."""
        ...


class Services(Struct, frozen=True, kw_only=True):
    """One per process."""

    settings: Settings
    db: Database
    clock: Clock
    units: Units
    store: Store
    catalog: Catalog
    hub: Hub
    intake: Intake
    identity: Identity
    alertmanager: AlertmanagerWire
    readiness: Callable[[], Awaitable[Readiness]]
    reactions: Callable[[], str]
    started_at: datetime
