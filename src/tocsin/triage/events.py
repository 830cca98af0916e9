"""What triage can say has happened: always of a group, never of each alert."""

from typing_extensions import override

from tocsin.kernel.events import NOBODY, Event, Names, Update
from tocsin.kernel.ids import AlertId, GroupId, PersonId


def _alerts(count: int) -> str:
    return "1 alert" if count == 1 else f"{count} alerts"


class GroupNeedsPage(Event, frozen=True, tag="triage.group_needs_page"):
    """A group has opened, or become urgent, and somebody must be woken."""

    group_id: GroupId
    title: str
    integration: str
    route: str
    alert_count: int
    sample: tuple[AlertId, ...]
    raised: bool

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        verb = "became urgent" if self.raised else "fired"
        return f"{self.title}: {_alerts(self.alert_count)} {verb} ({self.integration})"


class GroupNeedsIncident(Event, frozen=True, tag="triage.group_needs_incident"):
    """A group has opened that can wait for the morning."""

    group_id: GroupId
    title: str
    integration: str
    route: str
    alert_count: int
    sample: tuple[AlertId, ...]

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return (
            f"{self.title}: {_alerts(self.alert_count)} fired, low urgency ({self.integration})"
        )


class GroupGrew(Event, frozen=True, tag="triage.group_grew"):
    """More alerts have joined a group since people were last told."""

    group_id: GroupId
    new_count: int
    alert_count: int

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{_alerts(self.new_count)} more, {self.alert_count} in all"


class GroupGrewQuietly(Event, frozen=True, tag="triage.group_grew_quietly"):
    """More alerts have joined a group of low urgency."""

    group_id: GroupId
    new_count: int
    alert_count: int

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{_alerts(self.new_count)} more, low urgency, {self.alert_count} in all"


class GroupRefired(Event, frozen=True, tag="triage.group_refired"):
    """An urgent group fires again soon after it had cleared."""

    group_id: GroupId
    title: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{self.title}: firing again"


class GroupRefiredQuietly(Event, frozen=True, tag="triage.group_refired_quietly"):
    """A group of low urgency fires again soon after it had cleared."""

    group_id: GroupId
    title: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{self.title}: firing again, low urgency"


class GroupReached(Event, frozen=True, tag="triage.group_reached"):
    """An open urgent group now holds alerts that further policies are paged for."""

    group_id: GroupId
    title: str
    policies: tuple[str, ...]

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return (
            f"{self.title}: also pages {', '.join(one or 'default' for one in self.policies)}"
        )


class GroupStillFires(Event, frozen=True, tag="triage.group_still_fires"):
    """The repeat interval of an urgent group is over and it has not cleared."""

    group_id: GroupId
    title: str
    firing_count: int

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{self.title}: still firing after its repeat interval ({_alerts(self.firing_count)})"


class AlertsResolved(Event, frozen=True, tag="triage.alerts_resolved"):
    """A person has called alerts of a group over; they stay so until they fire anew."""

    group_id: GroupId
    alert_ids: tuple[AlertId, ...]
    person_id: PersonId | None

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        who = name(self.person_id or NOBODY)
        return f"{_alerts(len(self.alert_ids))} resolved by hand by {who}"


class GroupsRestricted(Event, frozen=True, tag="triage.groups_restricted"):
    """Groups are shown to some people only, or to everybody again."""

    group_ids: tuple[GroupId, ...]
    restricted: bool

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        shown = "some people only" if self.restricted else "everybody"
        return f"Its alerts are shown to {shown}"


class GroupCleared(Event, frozen=True, tag="triage.group_cleared"):
    """No alert of the group fires any more."""

    group_id: GroupId
    title: str
    alert_count: int

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        what = "its alert" if self.alert_count == 1 else f"all {_alerts(self.alert_count)}"
        return f"{self.title}: {what} resolved"


class GroupVanished(Event, frozen=True, tag="triage.group_vanished"):
    """A group resolved while it waited, so nobody was told."""

    group_id: GroupId
    title: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"{self.title}: resolved before its wait was over, nobody was paged"


class GroupAcknowledgedBySender(Event, frozen=True, tag="triage.group_acknowledged_by_sender"):
    """Where the signals come from, somebody has taken an alert of the group."""

    group_id: GroupId
    integration: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Acknowledged by the sender of its alerts ({self.integration})"


class GroupsCounted(Update, frozen=True, tag="triage.groups_counted"):
    """So many alerts of each group fire now, of so many that have ever stood in it."""

    counts: tuple[tuple[GroupId, int, int], ...]
