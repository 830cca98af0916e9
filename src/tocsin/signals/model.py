"""The nouns of intake: what a parser hands over to be kept, and a signal read back from it."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


class Slice(Struct, frozen=True, kw_only=True, gc=False):
    """The part of one request that belongs to one lane, as bytes the same parser can read.

    `count` is the number of signals in it. Signals of one dedup key always share a lane, so
    that firing and resolving stay in order.
    """

    lane: int
    body: bytes
    count: int


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


class Receipt(Struct, frozen=True):
    """The signals of one request that share a lane, as they came."""

    id: UUID
    lane: int
    received_at: datetime
    actor_id: UUID
    integration: str
    format: str
    body: bytes
