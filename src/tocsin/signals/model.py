"""The nouns of intake: what a parser hands over, a signal read back, who sends it, and heartbeats."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)
"""The end of an alert that fires until its sender says otherwise."""


class Slice(Struct, frozen=True, kw_only=True, gc=False):
    """The part of one request that belongs to one lane, as bytes the same parser can read.

    `count` is the number of signals in it, `ends` says that one of them is over. Signals of one
    dedup key always share a lane, so that firing and resolving stay in order.
    """

    lane: int
    body: bytes
    count: int
    ends: bool = False


class Split(Struct, frozen=True, gc=False):
    """A request taken apart: what can be kept, and one sentence for each signal that cannot."""

    accepted: tuple[Slice, ...]
    refusals: tuple[str, ...] = ()


class Unreadable(Exception):
    """A request that is answered in its vendor's own words: `status` and the whole `body`.

    Nothing of such a request is kept. Both error shapes of a vendor are subclasses.
    """

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(body.decode())
        self.status = status
        self.body = body


class Signal(Struct, frozen=True, kw_only=True):
    """One observation from outside, in the same form whoever sent it.

    `dedup_key` is 16 bytes over the labels: equal keys are the same alert. It ends at
    `ends_at`; `ends_by_timeout` says that the sender did not name that instant, so any
    instant a sender does name beats it.
    """

    dedup_key: bytes
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime
    ends_by_timeout: bool
    source_url: str
    acknowledges: bool = False  # somebody at the sender's end has it; it says nothing else
    only_ends: bool = False  # a known alert is over; it has no words of its own


class Receipt(Struct, frozen=True):
    """The signals of one request that share a lane, as they came."""

    id: UUID
    lane: int
    received_at: datetime
    actor_id: UUID
    integration: str
    format: str
    body: bytes


class IntegrationType(StrEnum):
    """Whose wire format an integration speaks."""

    ALERTMANAGER = "alertmanager"
    PAGERDUTY = "pagerduty"
    WEBHOOK = "webhook"


TITLES = {
    IntegrationType.ALERTMANAGER: "Alertmanager",
    IntegrationType.PAGERDUTY: "PagerDuty",
    IntegrationType.WEBHOOK: "webhook",
}


class Integration(Struct, frozen=True, kw_only=True):
    """A sender that somebody has described; one that only has a token works as well."""

    id: UUID
    name: str
    type: IntegrationType
    description: str
    team: str | None
    labels: Mapping[str, str]
    resolve_after_s: int | None


class Minute(Struct, frozen=True, kw_only=True):
    """What an integration sent in one minute."""

    minute: datetime
    messages: int
    signals: int
    refusals: int


class Refusal(Struct, frozen=True, kw_only=True):
    """A message that was not kept, or could not be sorted (status 0), and why."""

    at: datetime
    status: int
    error: str


class Statistics(Struct, frozen=True, kw_only=True):
    """How an integration fares, some seconds behind."""

    integration: str
    format: str
    last_message_at: datetime | None
    last_error_at: datetime | None
    last_error: str
    messages: int
    signals: int
    refusals: int


class Mistake(Struct, frozen=True):
    """What is wrong with one field of a mapping, or with what it made of a payload."""

    field: str
    error: str


class Tried(Struct, frozen=True):
    """What a payload would become; with mistakes there are no signals."""

    signals: tuple[Signal, ...] = ()
    mistakes: tuple[Mistake, ...] = ()


class PingKind(StrEnum):
    """What a job says of itself: it went well, it begins, it went wrong."""

    OK = "ok"
    START = "start"
    FAIL = "fail"


class BeatState(StrEnum):
    """How a heartbeat stands. LATE, between expected and missed, is never stored: time tells."""

    NEW = "new"  # never heard of, so nothing is missed
    UP = "up"
    LATE = "late"
    DOWN = "down"
    PAUSED = "paused"


class Rule(Struct, frozen=True, kw_only=True):
    """When a job is to be heard of: every so many seconds, or at the times of a cron expression.

    `grace_s` is how much later it may come, and how long a run may take that said it began.
    """

    every_s: int | None = None
    cron: str = ""
    zone: str = "UTC"
    grace_s: int = 0


class Heartbeat(Struct, frozen=True, kw_only=True):
    """A job that is to be heard of, as it is configured."""

    id: UUID
    name: str
    description: str
    team: str | None
    rule: Rule
    severity: str
    labels: Mapping[str, str]
    runbook_url: str
    paused: bool


class Beat(Struct, frozen=True, kw_only=True):
    """What is known of one heartbeat.

    `due_at` is when somebody has to look next; None: nothing is due until it is heard of.
    """

    state: BeatState = BeatState.NEW
    heard_at: datetime | None = None  # the last ping of any kind
    ok_at: datetime | None = None  # the last good one
    started_at: datetime | None = None  # of a run that has not ended yet
    down_at: datetime | None = None
    expected_at: datetime | None = None
    due_at: datetime | None = None


class Deaf(Struct, frozen=True):
    """A time in which no ping could be heard, through no fault of its sender."""

    since: datetime
    until: datetime


class Ping(Struct, frozen=True, kw_only=True):
    """One ping as it came: by its key, or by the id of its heartbeat from who may ping any."""

    key_hash: bytes = b""
    heartbeat_id: UUID | None = None
    kind: PingKind
    exit_code: int | None = None
    text: str = ""  # what the job said
    sender: str = ""  # its program, by its own word


class KeptPing(Struct, frozen=True, kw_only=True):
    """A ping read back."""

    id: UUID
    at: datetime
    kind: PingKind
    exit_code: int | None
    text: str
    sender: str


class Standing(Struct, frozen=True, kw_only=True):
    """The row of one heartbeat."""

    id: UUID
    beat: Beat
    paused_by_hand: bool
    key_made_at: datetime | None
    ping_count: int
