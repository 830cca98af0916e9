"""The timeline as screens show it: the log's own sentences, with an icon and a tone. Pure."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from tocsin.kernel.timeline import Entry
from tocsin.web.story import Kinds

# by the longest prefix of the action; the icons are those of ui/icons.txt
LOOKS: dict[str, tuple[str, str]] = {
    "command.": ("pencil", ""),
    "command.group_joined": ("layers", ""),
    "command.groups_moved": ("layers", ""),
    "command.incident_cleared": ("circle-check", "ok"),
    "command.incident_declared": ("siren", "crit"),
    "command.incident_merged": ("git-merge", "info"),
    "command.incident_needs_page": ("bell", "warn"),
    "command.incident_opened": ("siren", "crit"),
    "command.incident_reopened": ("rotate-ccw", "crit"),
    "command.incident_resolved": ("check-check", "ok"),
    "command.incident_restricted": ("lock", "warn"),
    "command.incident_split": ("split", "info"),
    "command.incident_unrestricted": ("lock", ""),
    "command.incidents_": ("link", ""),
    "command.link_": ("link", ""),
    "command.note_added": ("message-square", "brand"),
    "command.note_erased": ("eraser", ""),
    "command.responder_joined": ("user-plus", "info"),
    "command.responder_left": ("user", ""),
    "command.severity_set": ("flame", "warn"),
    "command.status_set": ("megaphone", "info"),
    "governance.": ("link", ""),
    "kernel.": ("terminal", ""),
    "oncall.acknowledgement_expired": ("hourglass", "warn"),
    "oncall.catch_all_called": ("users", "crit"),
    "oncall.contact_": ("smartphone", ""),
    "oncall.contact_code_wrong": ("circle-x", "warn"),
    "oncall.contact_dropped": ("circle-slash", "warn"),
    "oncall.contact_tested": ("send", ""),
    "oncall.contact_verified": ("shield-check", "ok"),
    "oncall.contacts_changed": ("smartphone", ""),
    "oncall.path_lost": ("circle-alert", "warn"),
    "oncall.path_proven": ("shield-check", "ok"),
    "oncall.push_device_": ("smartphone", ""),
    "oncall.escalation_asked": ("arrow-up-right", "warn"),
    "oncall.last_resort_called": ("megaphone", "crit"),
    "oncall.loop_restarted": ("repeat", "warn"),
    "oncall.notification_delivered": ("check", ""),
    "oncall.notification_failed": ("circle-x", "crit"),
    "oncall.notification_retried": ("history", "warn"),
    "oncall.notification_seen": ("eye", "ok"),
    "oncall.notification_sent": ("send", "info"),
    "oncall.notification_suppressed": ("bell-off", ""),
    "oncall.notification_unconfirmed": ("circle-help", "warn"),
    "oncall.page_acknowledged": ("user-check", "ok"),
    "oncall.page_co_acknowledged": ("user-plus", "info"),
    "oncall.page_handed_back": ("undo-2", "warn"),
    "oncall.page_held": ("clock", "info"),
    "oncall.page_hold_ended": ("bell-ring", "warn"),
    "oncall.page_opened": ("bell", "warn"),
    "oncall.page_reassigned": ("user-check", "warn"),
    "oncall.page_snoozed": ("clock", "info"),
    "oncall.page_requested": ("user-plus", "warn"),
    "oncall.page_resolved": ("circle-check", "ok"),
    "oncall.page_retriggered": ("bell-ring", "warn"),
    "oncall.page_unpageable": ("octagon-alert", "crit"),
    "oncall.pages_restricted": ("lock", "warn"),
    "oncall.paging_held": ("bell-off", "crit"),
    "oncall.schedule_overridden": ("calendar-clock", ""),
    "oncall.override_ended": ("undo-2", ""),
    "oncall.leave_taken": ("calendar-clock", ""),
    "oncall.swap_requested": ("repeat", ""),
    "oncall.swap_accepted": ("repeat", "ok"),
    "oncall.swap_declined": ("circle-x", ""),
    "oncall.swap_withdrawn": ("undo-2", ""),
    "oncall.shifts_moved": ("calendar-clock", "warn"),
    "oncall.calendar_shared": ("link", ""),
    "oncall.calendar_revoked": ("key-round", ""),
    "oncall.paging_released": ("bell-ring", "ok"),
    "oncall.person_unreachable": ("circle-alert", "crit"),
    "oncall.provider_failed": ("circle-alert", "warn"),
    "oncall.provider_recovered": ("circle-check", "ok"),
    "oncall.retriggers_spent": ("bell-off", "warn"),
    "oncall.snooze_ended": ("bell-ring", "warn"),
    "oncall.step_called": ("bell-ring", "warn"),
    "oncall.urgency_raised": ("flame", "crit"),
    "oncall.webhook_told": ("webhook", ""),
    "oncall.step_skipped": ("circle-slash", "warn"),
    "oncall.witness_restored": ("heart-pulse", "crit"),
    "signals.": ("circle-help", "warn"),
    "signals.heartbeat_": ("heart-pulse", ""),
    "signals.heartbeat_failed": ("heart-pulse", "crit"),
    "signals.heartbeat_key_made": ("key-round", ""),
    "signals.heartbeat_missed": ("heart-pulse", "crit"),
    "signals.heartbeat_recovered": ("heart-pulse", "ok"),
    "topology.": ("rocket", "info"),
    "triage.alerts_resolved": ("circle-check", "ok"),
    "triage.group_acknowledged": ("user-check", "ok"),
    "triage.group_cleared": ("circle-check", "ok"),
    "triage.group_grew": ("layers", "warn"),
    "triage.group_needs": ("flame", "crit"),
    "triage.group_reached": ("milestone", ""),
    "triage.group_refired": ("flame", "crit"),
    "triage.group_still_fires": ("repeat", "warn"),
    "triage.group_vanished": ("circle-check", "ok"),
    "triage.groups_restricted": ("lock", "warn"),
}
OTHER = ("activity", "")
# Tocsin itself goes without saying
_SHOWN = ("person:", "link:", "token:", "session:", "local:")


class Tab(Struct, frozen=True):
    """One kind of entries that a timeline can be narrowed to."""

    id: str
    label: str


class EntryView(Struct, frozen=True, kw_only=True):
    """One line. `seq` is what the page knows it by, the same before and after sealing.

    `text` is what a person wrote; `is_caused` says that there is a "why" to be asked.
    """

    seq: UUID
    at: datetime
    icon: str
    tone: str
    sentence: str
    text: str
    by: str | None
    is_caused: bool


def tabs() -> list[Tab]:
    """Name the parts of a timeline in the order of their tabs."""
    return [Tab("" if one is Kinds.ALL else one, one.capitalize()) for one in Kinds]


def causes(entries: Iterable[Entry], of: UUID) -> list[Entry]:
    """Walk up from one record to what it follows from, the record itself first."""
    known = {entry.id: entry for entry in entries}
    chain: list[Entry] = []
    at: UUID | None = of
    while at is not None and (entry := known.pop(at, None)) is not None:
        chain.append(entry)
        at = entry.cause
    return chain


def look(action: str) -> tuple[str, str]:
    """Return icon and tone of an action."""
    fitting = [prefix for prefix in LOOKS if action.startswith(prefix)]
    return LOOKS[max(fitting, key=len)] if fitting else OTHER


def entry_views(entries: Iterable[Entry]) -> list[EntryView]:
    """Show each record with its looks, in the order given."""
    return [_view(entry) for entry in entries]


def _view(entry: Entry) -> EntryView:
    icon, tone = look(entry.kind)
    is_told = entry.by in entry.sentence or not entry.actor.startswith(_SHOWN)
    return EntryView(
        seq=entry.id,
        at=entry.at,
        icon=icon,
        tone=tone,
        sentence=entry.sentence,
        text=entry.text,
        by=None if is_told else entry.by,
        is_caused=entry.cause is not None,
    )
