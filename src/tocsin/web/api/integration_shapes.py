"""Integrations and changes as the API tells them; the screens show the same."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from tocsin.kernel.errors import NotFound
from tocsin.kernel.unit import Unit
from tocsin.signals import reads
from tocsin.signals.core.config import Integrations, IntegrationSpec
from tocsin.signals.core.tally import rates
from tocsin.signals.model import (
    Integration,
    IntegrationType,
    Minute,
    Refusal,
    Signal,
    Statistics,
    Tried,
)
from tocsin.topology.model import ChangeRecord, Link

PATHS = {
    IntegrationType.ALERTMANAGER: "/api/v2/alerts",
    IntegrationType.PAGERDUTY: "/v2/enqueue",
    IntegrationType.WEBHOOK: "/webhook",
}
_BY_FORMAT = {
    "alertmanager.v2": IntegrationType.ALERTMANAGER,
    "pagerduty.v2": IntegrationType.PAGERDUTY,
    "webhook.v1": IntegrationType.WEBHOOK,
}


class IntegrationShape(Struct, frozen=True, kw_only=True):
    """A sender of signals; `configured` says whether there is an Integration of its name.

    `per_minute` are the signals, and `refused_per_minute` the messages refused, of the last
    hour, the oldest minute first; `waiting` is kept and not sorted yet. Some seconds behind.
    """

    name: str
    type: IntegrationType | None
    configured: bool
    description: str
    team: str | None
    labels: dict[str, str]
    last_message_at: datetime | None
    last_error_at: datetime | None
    last_error: str
    messages: int
    signals: int
    refusals: int
    waiting: int
    per_minute: tuple[int, ...]
    refused_per_minute: tuple[int, ...]

    @property
    def ails(self) -> bool:
        """Say whether the last thing heard of it was an error."""
        if self.last_error_at is None:
            return False
        return self.last_message_at is None or self.last_error_at > self.last_message_at


class RefusalShape(Struct, frozen=True, kw_only=True):
    """A message that was refused with an HTTP status; 0: it was kept and could not be sorted."""

    at: datetime
    status: int
    error: str


class IntegrationDetail(IntegrationShape, frozen=True, kw_only=True):
    """An integration with its newest errors, and how to send to it."""

    errors: tuple[RefusalShape, ...]
    curl: str


class IntegrationList(Struct, frozen=True):
    """Every integration that was described or heard of, by name."""

    items: tuple[IntegrationShape, ...]


class Try(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The spec of an Integration, and a payload as its sender would post it."""

    spec: IntegrationSpec
    payload: Any


class SignalShape(Struct, frozen=True, kw_only=True):
    """A signal as it would be sorted; `ends_at` is null while it fires with no end in sight."""

    dedup_key: str
    state: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None
    source_url: str


class MistakeShape(Struct, frozen=True):
    """What is wrong with one expression, or with the payload."""

    field: str
    error: str


class TriedShape(Struct, frozen=True, kw_only=True):
    """What a payload would become; with mistakes nothing of it would be kept."""

    signals: tuple[SignalShape, ...]
    mistakes: tuple[MistakeShape, ...]


class ChangeLink(Struct, frozen=True):
    """Something to open."""

    title: str
    url: str


class ChangeShape(Struct, frozen=True, kw_only=True):
    """A change that somebody reported; `service` is "" when nobody said which."""

    id: UUID
    at: datetime
    received_at: datetime
    integration: str
    service: str
    summary: str
    source: str
    links: tuple[ChangeLink, ...]
    details: dict[str, str]


class ChangeList(Struct, frozen=True):
    """A part of the changes; `next` continues it."""

    items: tuple[ChangeShape, ...]
    next: Annotated[str | None, Meta(description="Cursor of what follows.")] = None


async def all_integrations(unit: Unit) -> list[IntegrationShape]:
    """Put together every integration that is described or was heard of, by name."""
    described = unit.config(Integrations).by_name
    heard = {one.integration: one for one in await reads.statistics(unit)}
    minutes, waiting = await reads.last_hour(unit), await reads.waiting(unit)
    return [
        IntegrationShape(
            **_fields(name, described.get(name), heard.get(name), waiting),
            **_rates(minutes.get(name, ()), unit.now),
        )
        for name in sorted({*described, *heard})
    ]


async def one_integration(unit: Unit, name: str, base_url: str) -> IntegrationDetail:
    """Show one. Raises NotFound for what is neither described nor was ever heard of."""
    described = unit.config(Integrations).by_name.get(name)
    heard = next(iter(await reads.statistics(unit, name)), None)
    if described is None and heard is None:
        raise NotFound(
            f"no integration {name!r}; `tocsin integration list` shows those that have sent"
            " something or are described"
        )
    minutes = (await reads.last_hour(unit, name)).get(name, ())
    fields = _fields(name, described, heard, await reads.waiting(unit))
    return IntegrationDetail(
        **fields,
        **_rates(minutes, unit.now),
        errors=tuple(map(_refusal, await reads.refusals(unit, name))),
        curl=curl(fields["type"] or IntegrationType.WEBHOOK, base_url),
    )


def curl(kind: IntegrationType, base_url: str) -> str:
    """Return a line that sends a first signal; the token comes from the environment."""
    bodies = {
        IntegrationType.ALERTMANAGER: '[{"labels":{"alertname":"Hello","severity":"info"}}]',
        IntegrationType.PAGERDUTY: (
            '{"routing_key":"\'"$TOCSIN_TOKEN"\'","event_action":"trigger","payload":'
            '{"summary":"Hello","source":"me","severity":"info"}}'
        ),
        IntegrationType.WEBHOOK: '{"title":"Hello"}',
    }
    bearer = (
        "" if kind is IntegrationType.PAGERDUTY else '-H "Authorization: Bearer $TOCSIN_TOKEN" '
    )
    return (
        f"curl -sS {base_url}{PATHS[kind]} {bearer}"
        f"-H 'Content-Type: application/json' -d '{bodies[kind]}'"
    )


def tried_shape(tried: Tried, now: datetime) -> TriedShape:
    """Tell what a payload would become."""
    return TriedShape(
        signals=tuple(_signal(one, now) for one in tried.signals),
        mistakes=tuple(MistakeShape(one.field, one.error) for one in tried.mistakes),
    )


def change_shape(change: ChangeRecord) -> ChangeShape:
    """Tell a change."""
    fields = {name: getattr(change, name) for name in change.__struct_fields__}
    return ChangeShape(
        **{
            **fields,
            "links": tuple(map(_link, change.links)),
            "details": dict(change.details),
        }
    )


def _link(link: Link) -> ChangeLink:
    return ChangeLink(link.title, link.url)


def _fields(
    name: str,
    described: Integration | None,
    heard: Statistics | None,
    waiting: Mapping[str, int],
) -> dict[str, Any]:
    spoken = _BY_FORMAT.get(heard.format) if heard else None
    return {
        "name": name,
        "type": described.type if described else spoken,
        "configured": described is not None,
        "description": described.description if described else "",
        "team": described.team if described else None,
        "labels": dict(described.labels) if described else {},
        "last_message_at": heard.last_message_at if heard else None,
        "last_error_at": heard.last_error_at if heard else None,
        "last_error": heard.last_error if heard else "",
        "messages": heard.messages if heard else 0,
        "signals": heard.signals if heard else 0,
        "refusals": heard.refusals if heard else 0,
        "waiting": waiting.get(name, 0),
    }


def _rates(minutes: Sequence[Minute] | Iterable[Minute], now: datetime) -> dict[str, Any]:
    found = list(minutes)
    return {
        "per_minute": rates({one.minute: one.signals for one in found}, now),
        "refused_per_minute": rates({one.minute: one.refusals for one in found}, now),
    }


def _refusal(refusal: Refusal) -> RefusalShape:
    return RefusalShape(at=refusal.at, status=refusal.status, error=refusal.error)


def _signal(signal: Signal, now: datetime) -> SignalShape:
    state = "firing" if signal.ends_at > now else "resolved"
    return SignalShape(
        dedup_key=signal.dedup_key.hex(),
        state="acknowledged" if signal.acknowledges else state,
        labels=signal.labels,
        annotations=signal.annotations,
        starts_at=signal.starts_at,
        ends_at=None if signal.ends_at.year >= 9999 else signal.ends_at,  # noqa: PLR2004 - for ever
        source_url=signal.source_url,
    )
