"""What becomes of an attempt after the provider took it: receipts, in whatever order they come."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from tocsin.oncall.model import MethodKind


class AttemptState(StrEnum):
    """How far an attempt got, as far as anybody has told us."""

    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    SEEN = "seen"
    ACKED = "acked"
    FAILED = "failed"


class ReceiptKind(StrEnum):
    """What a provider, or the person's own answer, says of an attempt.

    UNDELIVERED: it was taken and then did not arrive.
    """

    SENT = "sent"
    DELIVERED = "delivered"
    SEEN = "seen"
    ANSWERED = "answered"
    UNDELIVERED = "undelivered"


class Trail(Struct, frozen=True, kw_only=True):
    """All that is known of one attempt. `outcome` is sent, transient, permanent; None: not known."""

    started_at: datetime
    ended_at: datetime | None = None
    outcome: str | None = None
    delivered_at: datetime | None = None
    seen_at: datetime | None = None
    acked_at: datetime | None = None
    failed_at: datetime | None = None


# the field of a trail in which a receipt is kept; that it was sent says nothing new
_KEPT: Mapping[ReceiptKind, str] = {
    ReceiptKind.DELIVERED: "delivered_at",
    ReceiptKind.SEEN: "seen_at",
    ReceiptKind.ANSWERED: "acked_at",
    ReceiptKind.UNDELIVERED: "failed_at",
}

# by which method somebody acknowledged, from the words that stand in the log for it
ANSWERED_BY: Mapping[str, MethodKind] = {
    "e-mail link": MethodKind.EMAIL,
    "ntfy": MethodKind.NTFY,
    "web inbox": MethodKind.INBOX,
    "Apprise link": MethodKind.APPRISE,
    "webhook link": MethodKind.WEBHOOK,
    "SMS": MethodKind.SMS,
    "SMS link": MethodKind.SMS,
    "phone call": MethodKind.VOICE,
    "Mattermost link": MethodKind.MATTERMOST,
    "Teams link": MethodKind.TEAMS,
    "Matrix": MethodKind.MATRIX,
    "Slack": MethodKind.SLACK,
    "e-mail reply": MethodKind.EMAIL,
}


def kind_of(channel: str) -> MethodKind | None:
    """Return by which kind of method an acknowledgement came; None: by none, but on a screen."""
    found = ANSWERED_BY.get(channel)
    if found is None and channel.casefold() in set(MethodKind):
        return MethodKind(channel.casefold())
    return found


def state_of(trail: Trail) -> AttemptState:
    """Say how far an attempt got. Good news outweighs bad: what arrived has not failed."""
    reached = (
        (trail.acked_at, AttemptState.ACKED),
        (trail.seen_at, AttemptState.SEEN),
        (trail.delivered_at, AttemptState.DELIVERED),
        (trail.failed_at, AttemptState.FAILED),
    )
    for at, state in reached:
        if at is not None:
            return state
    if trail.outcome is None:
        return AttemptState.QUEUED
    return AttemptState.SENT if trail.outcome == "sent" else AttemptState.FAILED


def learn(trail: Trail, kind: ReceiptKind, at: datetime) -> Trail:
    """Add a receipt. Their order does not matter, and the same one twice changes nothing."""
    name = _KEPT.get(kind)
    if name is None:
        return trail
    known: datetime | None = getattr(trail, name)
    return replace(trail, **{name: at if known is None else min(known, at)})


def is_confirmed(trail: Trail) -> bool:
    """Say whether anybody has confirmed that it arrived."""
    return state_of(trail) in (AttemptState.DELIVERED, AttemptState.SEEN, AttemptState.ACKED)


def has_just_failed(before: Trail, after: Trail) -> bool:
    """Say whether this receipt is the first to tell that an attempt which was sent has failed."""
    return before.failed_at is None and state_of(after) is AttemptState.FAILED


def latency_s(trail: Trail) -> float | None:
    """Return the seconds until it arrived, else until the provider took it; None: neither."""
    arrived_at = min(
        filter(None, (trail.delivered_at, trail.seen_at, trail.acked_at)), default=None
    )
    if arrived_at is None and state_of(trail) is AttemptState.SENT:
        arrived_at = trail.ended_at
    return None if arrived_at is None else (arrived_at - trail.started_at).total_seconds()
