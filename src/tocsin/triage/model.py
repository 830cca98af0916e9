"""The nouns of triage: what was observed, alerts, the groups they stand in, and the routes."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum

from msgspec import Struct

from tocsin.kernel.ids import AlertId, GroupId
from tocsin.kernel.vocabulary import Labels, Urgency

STORM_PER_MINUTE = 30  # new groups of one integration in 60 s; one more is a storm
STORM_CALM_S = 5 * 60  # below half of that for so long, and the storm is over
REOPEN_WITHIN_S = 15 * 60  # firing again this soon after clearing is the same group
NO_END = datetime(9000, 1, 1, tzinfo=UTC)  # a sender that names a later end names none
MAX_NEW_GROUPS = 50  # a unit that would open more is cut in two by its caller


class Observed(Struct, frozen=True, kw_only=True):
    """One signal as triage reads it; `integration` is the name of the sender's integration."""

    dedup_key: bytes
    labels: Labels
    annotations: Labels
    starts_at: datetime
    ends_at: datetime
    ends_by_timeout: bool
    source_url: str
    integration: str
    received_at: datetime
    acknowledges: bool = False  # somebody at the sender's end has it; it says nothing else
    only_ends: bool = False  # a known alert is over; it has no words of its own
    waited: bool = False  # in a queue where another integration's word may have gone before


class AlertState(StrEnum):
    """Whether the sender says that the condition holds."""

    FIRING = "firing"
    RESOLVED = "resolved"


class Alert(Struct, frozen=True, kw_only=True):
    """Everything heard under one dedup key; it lives through many episodes of firing."""

    id: AlertId
    dedup_key: bytes
    state: AlertState
    labels: Labels
    annotations: Labels
    source_url: str
    integration: str
    starts_at: datetime
    ends_at: datetime
    ends_by_timeout: bool  # the sender gave no end; ours is received_at + resolve timeout
    updated_at: datetime  # received_at of the newest signal
    group_id: GroupId | None  # kept after resolving; None if it has never fired
    seen_count: int  # signals folded into it
    fired_count: int  # episodes
    urgency: Urgency
    reasons: tuple[str, ...]  # one per stage, the dedupe stage first
    held_until: datetime | None = (
        None  # resolved by hand: firing signals up to then are old news
    )


class GroupState(StrEnum):
    """WAITING is before the first page, CLEARED may fire again, ENDED has left its key free."""

    WAITING = "waiting"
    ACTIVE = "active"
    CLEARED = "cleared"
    ENDED = "ended"


class Group(Struct, frozen=True, kw_only=True):
    """Alerts that are told together; at most one group per key is not ENDED."""

    id: GroupId
    key: str  # at most 500 characters, one for one (route, labels)
    state: GroupState
    labels: Labels  # the labels it is grouped by
    title: str
    summary: str
    integration: str  # of the alert that opened it
    route: str  # the one that decides how it is grouped
    policy: str  # of that route; "" is the default policy
    urgency: Urgency
    firing_count: int
    alert_count: int  # distinct alerts that have ever stood in it
    noted_count: int  # the part of alert_count that people were already told
    opened_at: datetime
    due_at: datetime | None  # call `group_due` then; None: nothing to wait for
    cleared_at: datetime | None
    storm: bool
    routes: tuple[str, ...] = ()  # all that its alerts took, `route` first
    policies: tuple[str, ...] = ()  # whom to page, of the routes that found an alert urgent
    repeat_at: datetime | None = None  # page again then, if it still fires
    taken_by: str = (
        ""  # while WAITING: whose sender has acknowledged it, with nothing new since
    )
    storm_until: datetime | None = None  # of a storm: until then new groups join it
    surge_at: datetime | None = None  # when the first of `surge` came
    surge: tuple[str, ...] = ()  # marks of different groups that have joined it since

    @property
    def paged_policies(self) -> tuple[str, ...]:
        """Return the policies to page; a group that was never urgent has its route's."""
        return self.policies or (self.policy,)


class MatchOp(StrEnum):
    """Alertmanager's four; regular expressions are anchored at both ends."""

    EQUAL = "="
    NOT_EQUAL = "!="
    MATCHES = "=~"
    NOT_MATCHES = "!~"


class Matcher(Struct, frozen=True, kw_only=True):
    """One condition on one label; a label that is absent counts as the empty string."""

    name: str
    op: MatchOp
    value: str


class Route(Struct, frozen=True, kw_only=True):
    """Where alerts go whose labels satisfy all matchers; `goes_on`: and those after it as well."""

    name: str
    matchers: tuple[Matcher, ...] = ()
    group_by: tuple[str, ...] | None = None  # None: service, else alertname, else all labels
    group_wait_s: int = 0
    group_interval_s: int = 300
    repeat_interval_s: int = 0  # 0: never
    goes_on: bool = False
    policy: str = ""
    urgency: Urgency | None = None  # None: by the severity label


class Routing(Struct, frozen=True):
    """Routes in the order in which they are asked; `default` takes what none of them wants."""

    routes: tuple[Route, ...] = ()
    default: Route = Route(name="default")


class State(Struct, frozen=True, kw_only=True):
    """What is known before a batch, restricted to what the batch can touch."""

    alerts: Mapping[bytes, Alert]
    groups: Mapping[str, Group]  # by key, the one that is not ENDED
    groups_by_id: Mapping[GroupId, Group]  # those that the firing alerts above stand in
    opened_last_minute: Mapping[str, int]  # by integration, storm groups not counted
