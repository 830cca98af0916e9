"""Triage's rows. The only modules that name the tables of schema `triage` for writing."""

from tocsin.triage.store.alerts import (
    add_alerts,
    add_words,
    alerts_by_id_for_update,
    alerts_due_for_update,
    alerts_for_update,
    refresh_alerts,
    sample,
    save_alerts,
)
from tocsin.triage.store.groups import (
    are_repeated,
    groups_for_update,
    note_incident,
    opened_last_minute,
    restrict,
    save_groups,
)

__all__ = [
    "add_alerts",
    "add_words",
    "alerts_by_id_for_update",
    "alerts_due_for_update",
    "alerts_for_update",
    "are_repeated",
    "groups_for_update",
    "note_incident",
    "opened_last_minute",
    "refresh_alerts",
    "restrict",
    "sample",
    "save_alerts",
    "save_groups",
]
