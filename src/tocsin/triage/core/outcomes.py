"""What can come out of sorting a batch, an expiry or a group's timer."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from tocsin.kernel.ids import AlertId
from tocsin.kernel.vocabulary import Labels
from tocsin.triage.core.dedupe import Verdict
from tocsin.triage.model import Alert, Group


class GroupNeedsPage(Struct, frozen=True, kw_only=True):
    """An urgent group has opened, or an open one has become urgent (`raised`)."""

    group: Group
    sample: tuple[AlertId, ...]
    raised: bool


class GroupNeedsIncident(Struct, frozen=True, kw_only=True):
    """A group has opened that nobody is woken for."""

    group: Group
    sample: tuple[AlertId, ...]


class GroupGrew(Struct, frozen=True, kw_only=True):
    """More alerts stand in an open group than people were told of."""

    group: Group
    new_count: int


class GroupRefired(Struct, frozen=True, kw_only=True):
    """A cleared group fires again; `group.urgency` says whether that is a page."""

    group: Group
    sample: tuple[AlertId, ...]


class GroupReached(Struct, frozen=True, kw_only=True):
    """An open urgent group now holds alerts that `policies` are paged for as well."""

    group: Group
    policies: tuple[str, ...]


class GroupStillFires(Struct, frozen=True):
    """The repeat interval of an urgent group is over and it has not cleared."""

    group: Group


class GroupCleared(Struct, frozen=True):
    """No alert of the group fires any more."""

    group: Group


class GroupVanished(Struct, frozen=True):
    """All its alerts resolved while it waited; nobody was told and nobody needs to be."""

    group: Group


class GroupAcknowledgedBySender(Struct, frozen=True):
    """Somebody at the sender's end has one of its alerts."""

    group: Group
    integration: str


Outcome = (
    GroupNeedsPage
    | GroupNeedsIncident
    | GroupGrew
    | GroupReached
    | GroupRefired
    | GroupStillFires
    | GroupCleared
    | GroupVanished
    | GroupAcknowledgedBySender
)


class Refresh(Struct, frozen=True, kw_only=True):
    """An alert that was merely heard of again: the cheap update of a few columns."""

    id: AlertId
    ends_at: datetime
    ends_by_timeout: bool
    updated_at: datetime
    seen_add: int
    annotations: Labels | None  # None: unchanged


class Sorted(Struct, frozen=True, kw_only=True):
    """The difference a batch makes; each alert and each group stands in it at most once.

    Write `groups` in their order: one that is ENDED comes before the one that takes its key.
    """

    alerts_new: tuple[Alert, ...]
    alerts_changed: tuple[Alert, ...]
    alerts_refreshed: tuple[Refresh, ...]
    groups: tuple[Group, ...]
    outcomes: tuple[Outcome, ...]
    opened_count: int  # groups that are new rows; more than MAX_NEW_GROUPS: cut the batch
    counts: Mapping[Verdict, int]
