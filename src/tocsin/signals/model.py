"""The nouns of intake: what a parser hands over to be kept, a signal read back, who sends it."""

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
