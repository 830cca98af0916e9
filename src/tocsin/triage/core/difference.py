"""Compare what was known before a batch with what is known after it: what to write and say."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from tocsin.triage.core import lifecycle, wording
from tocsin.triage.core.outcomes import Outcome, Refresh
from tocsin.triage.core.routing import route_named
from tocsin.triage.model import Alert, Group, Routing

SAMPLE_COUNT = 5


def alert_difference(
    before: Mapping[bytes, Alert], after: Mapping[bytes, Alert]
) -> tuple[tuple[Alert, ...], tuple[Alert, ...], tuple[Refresh, ...]]:
    """Part the alerts of a batch into new rows, changed rows and mere refreshes."""
    new, changed, refreshed = [], [], []
    for key, alert in after.items():
        known = before.get(key)
        if known is None:
            new.append(alert)
        elif (refresh := _refresh(known, alert)) is None:
            changed.append(alert)
        else:
            refreshed.append(refresh)
    return tuple(new), tuple(changed), tuple(refreshed)


def _refresh(before: Alert, after: Alert) -> Refresh | None:
    """Return the cheap update that makes `after` out of `before`, None if it takes a row."""
    if (
        before.state is not after.state
        or before.fired_count != after.fired_count
        or before.starts_at != after.starts_at
        or before.source_url != after.source_url
        or before.held_until != after.held_until
        or before.labels != after.labels
    ):
        return None
    same_words = before.annotations == after.annotations
    return Refresh(
        id=after.id,
        ends_at=after.ends_at,
        ends_by_timeout=after.ends_by_timeout,
        updated_at=after.updated_at,
        seen_add=after.seen_count - before.seen_count,
        annotations=None if same_words else after.annotations,
    )


def group_difference(
    before: Group | None,
    after: Group,
    joined: Sequence[Alert],
    config: Routing,
    now: datetime,
) -> tuple[Group, tuple[Outcome, ...]]:
    """Return the group to save and what people must hear; `joined` fired in this batch."""
    if before is None:
        after = _titled(after, joined)
    sample = tuple(alert.id for alert in joined[:SAMPLE_COUNT])
    return lifecycle.told(before, after, sample, route_named(after.route, config), now)


def _titled(group: Group, alerts: Sequence[Alert]) -> Group:
    if group.storm:
        return replace(group, title=wording.storm_title(group.integration))
    return replace(
        group,
        title=wording.group_title(group.labels, alerts),
        summary=wording.summary(alerts[0]),
    )
