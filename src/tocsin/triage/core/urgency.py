"""Decide whether an alert may wake somebody."""

from tocsin.kernel.vocabulary import Labels, Urgency
from tocsin.triage.core.wording import plain
from tocsin.triage.model import Route

# the words that senders use for "not now"; any other word, and silence, is urgent: a page
# too many can be silenced, a page that was never sent cannot be sent afterwards
_CAN_WAIT = frozenset({"warning", "warn", "info", "notice", "debug", "low", "minor", "none"})


def score(route: Route, labels: Labels) -> tuple[Urgency, str]:
    """Return the urgency and the reason for it; the route's word beats the severity label."""
    if route.urgency is not None:
        return route.urgency, f"score: {route.urgency}, by route {route.name}"
    severity = labels.get("severity", "")
    if not severity:
        return Urgency.HIGH, "score: high, no severity label"
    urgency = Urgency.LOW if severity.lower() in _CAN_WAIT else Urgency.HIGH
    return urgency, f"score: {urgency}, severity={plain(severity, 40)}"
