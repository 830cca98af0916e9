"""The timeline as screens show it: the log's own sentences, with an icon and a tone. Pure."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from tocsin.kernel.events import Names
from tocsin.kernel.timeline import Entry

# by the longest prefix of the action; the icons are those of ui/icons.txt
LOOKS: dict[str, tuple[str, str]] = {
    "command.group_joined": ("layers", ""),
    "command.incident_cleared": ("circle-check", "ok"),
    "command.incident_declared": ("siren", "crit"),
    "command.incident_reopened": ("rotate-ccw", "crit"),
    "command.incident_resolved": ("check-check", "ok"),
    "command.responder_joined": ("user-plus", "info"),
    "governance.": ("link", ""),
    "kernel.": ("terminal", ""),
    "oncall.acknowledgement_expired": ("hourglass", "warn"),
    "oncall.catch_all_called": ("users", "crit"),
    "oncall.last_resort_called": ("megaphone", "crit"),
    "oncall.loop_restarted": ("repeat", "warn"),
    "oncall.notification_failed": ("circle-x", "crit"),
    "oncall.notification_retried": ("history", "warn"),
    "oncall.notification_sent": ("send", "info"),
    "oncall.notification_suppressed": ("bell-off", ""),
    "oncall.page_acknowledged": ("user-check", "ok"),
    "oncall.page_co_acknowledged": ("user-plus", "info"),
    "oncall.page_opened": ("bell", "warn"),
    "oncall.page_resolved": ("circle-check", "ok"),
    "oncall.page_retriggered": ("bell-ring", "warn"),
    "oncall.page_unpageable": ("octagon-alert", "crit"),
    "oncall.person_unreachable": ("circle-alert", "crit"),
    "oncall.retriggers_spent": ("bell-off", "warn"),
    "oncall.step_called": ("bell-ring", "warn"),
    "oncall.step_skipped": ("circle-slash", "warn"),
    "oncall.witness_restored": ("heart-pulse", "crit"),
    "signals.": ("circle-help", "warn"),
    "triage.group_cleared": ("circle-check", "ok"),
    "triage.group_grew": ("layers", "warn"),
    "triage.group_needs": ("flame", "crit"),
    "triage.group_refired": ("flame", "crit"),
    "triage.group_vanished": ("circle-check", "ok"),
}
OTHER = ("activity", "")
# who acts without a name that may stand in the log; Tocsin itself goes without saying
_KINDS = {"token": "a token", "session": "a browser session", "local": "the command line"}


class EntryView(Struct, frozen=True, kw_only=True):
    """One line. `seq` is what the page knows it by, the same before and after sealing."""

    seq: UUID
    at: datetime
    icon: str
    tone: str
    sentence: str
    by: str | None


def look(action: str) -> tuple[str, str]:
    """Return icon and tone of an action."""
    fitting = [prefix for prefix in LOOKS if action.startswith(prefix)]
    return LOOKS[max(fitting, key=len)] if fitting else OTHER


def entry_views(entries: Iterable[Entry], name: Names) -> list[EntryView]:
    """Show each record with its looks, in the order given."""
    return [_view(entry, name) for entry in entries]


def _view(entry: Entry, name: Names) -> EntryView:
    icon, tone = look(entry.kind)
    by = _by(entry.actor, name)
    return EntryView(
        seq=entry.id,
        at=entry.at,
        icon=icon,
        tone=tone,
        sentence=entry.sentence,
        by=None if by is None or by in entry.sentence else by,
    )


def _by(actor: str, name: Names) -> str | None:
    kind, _, id_ = actor.partition(":")
    if kind in ("person", "link"):
        return name(UUID(id_))
    return _KINDS.get(kind)
