"""What people and other contexts ask: resolve by hand, restrict, note the incident, find."""

from collections.abc import Callable, Sequence
from uuid import UUID

from msgspec.structs import replace

from tocsin.kernel import turns
from tocsin.kernel.errors import Invalid, NotFound
from tocsin.kernel.ids import AlertId, GroupId, IncidentId, PersonId
from tocsin.kernel.unit import Unit
from tocsin.kernel.vocabulary import Labels
from tocsin.triage import store
from tocsin.triage.actions.saving import GatherWords, save, state
from tocsin.triage.core import ending
from tocsin.triage.events import AlertsResolved, GroupsRestricted
from tocsin.triage.model import Alert

RESOLVE_MAX = 500
WORDS_BATCH = 2_000
TeamOf = Callable[[Labels], str | None]


def label_team(labels: Labels) -> str | None:
    """Return the team that labels name themselves."""
    return labels.get("team") or None


async def resolve(
    unit: Unit, alert_ids: Sequence[UUID], *, team_of: TeamOf = label_team
) -> list[Alert]:
    """Call firing alerts over by hand; return those that were. They stay so until they fire anew.

    `team_of` says to which team the labels of an alert belong; the asker must be allowed to
    resolve what is that team's. Raises Invalid, Forbidden, NotFound.
    """
    unit.require("alert:resolve")
    if len(alert_ids) > RESOLVE_MAX:
        raise Invalid(
            f"{len(alert_ids)} alerts; at most {RESOLVE_MAX} at a time", field="alerts"
        )
    await turns.side_by_side(unit.conn)
    found = await store.alerts_by_id_for_update(unit.conn, alert_ids, unit.audience)
    unknown = set(alert_ids) - {alert.id for alert in found}
    if unknown:
        raise NotFound(f"no alert {min(unknown)}")
    for alert in found:
        unit.require_on("alert:resolve", team_of(alert.labels))
    known = await state({alert.dedup_key: alert for alert in found}, (), unit)
    ended = ending.resolve(known, found, unit.now)
    person_id = PersonId(unit.actor.person_id) if unit.actor.person_id else None
    by_group: dict[GroupId, list[AlertId]] = {}
    for alert in ended.alerts_changed:
        by_group.setdefault(ending.group_id_of(alert), []).append(alert.id)
    for group_id, ids in by_group.items():
        unit.record(
            AlertsResolved(group_id=group_id, alert_ids=tuple(ids), person_id=person_id)
        )
    await save(known, ended, unit)
    return list(ended.alerts_changed)


async def restrict(
    unit: Unit, group_ids: Sequence[GroupId], visible_to: Sequence[str] | None
) -> None:
    """Show groups and their alerts to those named only (`person:<id>`, `role:<role>`); None: to all."""
    unit.require("incident:restrict")
    if await store.restrict(unit.conn, group_ids, visible_to):
        unit.record(
            GroupsRestricted(group_ids=tuple(group_ids), restricted=visible_to is not None)
        )


async def note_incident(
    unit: Unit, group_ids: Sequence[GroupId], incident_id: IncidentId, number: int
) -> None:
    """Note which incident groups are about, so that lists of alerts can say so."""
    unit.require("alert:sort")
    await store.note_incident(unit.conn, group_ids, incident_id, number)


async def gather_words(unit: Unit, job: GatherWords) -> None:
    """Make new alerts known to search, some at a time, at leisure.

    An index over words costs more than all else that is done for an alert, and calls nobody.
    """
    unit.require("alert:sort")
    last = await store.add_words(unit.conn, job.first, job.last, limit=WORDS_BATCH)
    if last is not None:
        unit.defer(replace(job, first=last))
