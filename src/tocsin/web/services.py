"""What `app.py` hands to the web floor: everything a route may use."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct

from tocsin.governance.jobs import Passwords
from tocsin.kernel.actor import Actor
from tocsin.kernel.clock import Clock
from tocsin.kernel.db import Database
from tocsin.kernel.db_watch import DatabaseWatch
from tocsin.kernel.errors import Refused
from tocsin.kernel.events import Catalog
from tocsin.kernel.live import Hub
from tocsin.kernel.resources import Store
from tocsin.kernel.settings import Settings
from tocsin.kernel.unit import Unit
from tocsin.kernel.units import Units
from tocsin.kernel.vocabulary import Urgency
from tocsin.oncall.core.assurance import Assurance, Drafted, Simulated
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.phone import Script
from tocsin.oncall.core.receipt import ReceiptKind
from tocsin.oncall.jobs import Phones
from tocsin.oncall.model import ContactCode, ContactTest, Policy
from tocsin.oncall.ports import CalendarReader
from tocsin.signals.actions import Intake
from tocsin.signals.core.config import IntegrationSpec
from tocsin.signals.jobs import Pings
from tocsin.signals.model import Slice, Split, Tried, Unreadable
from tocsin.topology.model import NewChange
from tocsin.triage.model import Alert
from tocsin.web.address import Proxies
from tocsin.web.identity import Identity
from tocsin.web.visibility import Visibility


class Readiness(Struct, frozen=True, kw_only=True):
    """Whether alerts can be taken and pages sent; `problems` say why not, `warnings` what is odd.

    `codes` names both for programs, problems first; `database` is `ok` or what is wrong with it.
    """

    ready: bool
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    codes: tuple[str, ...] = ()
    database: str = "ok"
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


class PagerdutyWire(Protocol):
    """PagerDuty's Events API v2 in bytes."""

    body_max: int

    def load(self, body: bytes) -> Mapping[str, Any]:
        """Return the object that a body is. Raises Unreadable."""
        ...

    def key_of(self, found: Mapping[str, Any]) -> str:
        """Return the routing key that stands in a body, "" for none."""
        ...

    def event(
        self, found: Mapping[str, Any], *, integration: str, lanes: int
    ) -> tuple[Slice, bytes]:
        """Return what to keep of an event, and the answer once it is kept. Raises Unreadable."""
        ...

    def change(
        self, found: Mapping[str, Any], *, integration: str, service: str, now: datetime
    ) -> NewChange:
        """Check a change event. Raises Unreadable."""
        ...

    def change_accepted(self) -> bytes:
        """Return the answer to a change that was kept."""
        ...

    def not_allowed(self, method: str) -> Unreadable:
        """Answer for the wrong verb."""
        ...

    def refused(self, error: Refused) -> Unreadable:
        """Say a refusal of ours in PagerDuty's words."""
        ...


class WebhookWire(Protocol):
    """JSON webhooks, read by the mapping of their integration; also tries payloads out."""

    body_max: int

    def map(self, body: bytes, *, integration: str, lanes: int) -> Sequence[Slice]:
        """Map a payload and cut it by lane. Raises Invalid, naming expression and reason."""
        ...

    def attempt(self, spec: IntegrationSpec, body: bytes, now: datetime) -> Tried:
        """Say what signals a payload would make, or what is wrong, field by field."""
        ...


class Push(Protocol):
    """Web push, as far as browsers ask for it."""

    async def application_key(self) -> str:
        """Return what a browser subscribes with."""
        ...

    async def received(self, device_id: UUID, key: str, receipt: str, seal: str) -> bool:
        """Note that a browser has a message; False where the message was not from us."""
        ...


class PhoneWire(Protocol):
    """The webhooks of who sends text messages and calls; `app.py` brings the vendor's folder."""

    body_max: int
    provider: str

    def fields(self, body: bytes, *, urls: Sequence[str], signature: str) -> Mapping[str, str]:
        """Return what a signed request says. Raises Forbidden, Invalid."""
        ...

    def text(self, fields: Mapping[str, str]) -> tuple[str, str, str]:
        """Return id, number and words of a text message. Raises Invalid."""
        ...

    def message_news(self, fields: Mapping[str, str]) -> tuple[ReceiptKind, str] | None:
        """Return what has become of a text message, None for nothing new."""
        ...

    def call_news(self, fields: Mapping[str, str]) -> tuple[ReceiptKind, str] | None:
        """Return what has become of a call, None for nothing new."""
        ...

    def by_machine(self, fields: Mapping[str, str]) -> bool:
        """Say whether it was no person that took a call."""
        ...

    def key(self, fields: Mapping[str, str]) -> tuple[str, str]:
        """Return the call, and the key that was pressed in it. Raises Invalid."""
        ...

    def say(self, script: Script | None, keys_url: str) -> bytes:
        """Answer a call; None: hang up."""
        ...

    def answer(self, words: str) -> bytes:
        """Answer a text message, "" for not at all."""
        ...


class Assurances(Protocol):
    """Proves that alerts reach people; `app.py` brings what puts the contexts together."""

    async def check(self, unit: Unit, days: int = 30, names: Collection[str] = ()) -> Assurance:
        """Look at every alert of the next `days`. Raises Invalid, NotFound."""
        ...

    async def simulate(
        self, unit: Unit, name: str, at: datetime, urgency: Urgency = Urgency.HIGH
    ) -> tuple[Simulated, Directory]:
        """Say whom a policy would call when for an alert at `at`. Raises NotFound, Invalid."""
        ...

    async def draft(
        self, unit: Unit, policy: Policy, at: datetime, urgency: Urgency = Urgency.HIGH
    ) -> Drafted:
        """Say what a policy that nobody has saved would do. Raises Invalid."""
        ...

    async def keep_nightly(self, unit: Unit) -> None:
        """See that the check waits for the next night."""
        ...


class Services(Struct, frozen=True, kw_only=True):
    """One per process."""

    settings: Settings
    db: Database
    database_watch: DatabaseWatch
    clock: Clock
    units: Units
    store: Store
    catalog: Catalog
    hub: Hub
    visibility: Visibility
    intake: Intake
    pings: Pings
    identity: Identity
    passwords: Passwords
    proxies: Proxies
    alertmanager: AlertmanagerWire
    pagerduty: PagerdutyWire
    webhook: WebhookWire
    calendars: CalendarReader
    readiness: Callable[[], Awaitable[Readiness]]
    troubles: Callable[[], Collection[str]]  # of it, what screens say, as of the last look
    reactions: Callable[[], str]
    started_at: datetime
    try_contact: Callable[[Actor, int], Awaitable[ContactTest]]
    ack_link: Callable[[UUID, UUID], Awaitable[str]]  # for a person and a page
    phones: Phones
    phone_wire: PhoneWire | None = None  # where Twilio is set up
    push: Push
    send_code: Callable[[Actor, int], Awaitable[ContactCode]]
    enter_code: Callable[[Actor, int, str], Awaitable[None]]
    assurances: Assurances
