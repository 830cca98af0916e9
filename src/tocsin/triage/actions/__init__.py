"""What can be asked of triage."""

from tocsin.triage.actions.asking import (
    gather_words,
    note_incident,
    resolve,
    restrict,
)
from tocsin.triage.actions.saving import (
    GatherWords,
    GroupDue,
    PutOffRepeats,
    RepeatDue,
    no_pause,
)
from tocsin.triage.actions.sorting import (
    TooManyGroups,
    expire_due,
    group_is_due,
    group_repeats,
    put_off_repeats,
    repeats_are_put_off,
    sort_observed,
)

__all__ = [
    "GatherWords",
    "GroupDue",
    "PutOffRepeats",
    "RepeatDue",
    "TooManyGroups",
    "expire_due",
    "gather_words",
    "group_is_due",
    "group_repeats",
    "no_pause",
    "note_incident",
    "put_off_repeats",
    "repeats_are_put_off",
    "resolve",
    "restrict",
    "sort_observed",
]
