"""Words for people out of labels and annotations, which strangers wrote."""

from collections.abc import Sequence

from tocsin.kernel.vocabulary import Labels
from tocsin.triage.model import STORM_PER_MINUTE, Alert

TITLE_LENGTH_MAX = 200
SUMMARY_LENGTH_MAX = 1_000
_NAMES_MAX = 3


def plain(text: str, length_max: int) -> str:
    """Return `text` on one line, without control or format characters, cut to `length_max`."""
    head = text[: length_max * 2]
    line = " ".join("".join(c if c.isprintable() else " " for c in head).split())
    return line if len(line) <= length_max else line[: length_max - 1] + "…"


def spelled(labels: Labels) -> str:
    """Spell labels as `name=value`, by name."""
    return ", ".join(f"{name}={labels[name]}" for name in sorted(labels))


def group_title(labels: Labels, alerts: Sequence[Alert]) -> str:
    """Title a group by the names of its first `alerts` and the labels they share."""
    spoken = dict.fromkeys(plain(alert.labels.get("alertname", ""), 60) for alert in alerts)
    names = [name for name in spoken if name]
    more_count = len(names) - _NAMES_MAX
    what = ", ".join(names[:_NAMES_MAX])
    if more_count > 0:
        what += f" and {more_count} more"
    where = {name: value for name, value in labels.items() if name != "alertname"}
    if not what:
        return plain(spelled(where or alerts[0].labels), TITLE_LENGTH_MAX)
    if service := where.pop("service", ""):
        what += f" on {plain(service, 60)}"
    if where:
        what += f" ({spelled(where)})"
    return plain(what, TITLE_LENGTH_MAX)


def storm_title(integration: str) -> str:
    """Title the one group that stands for all the groups of a storm."""
    many = f"more than {STORM_PER_MINUTE} new incidents a minute"
    return plain(f"Alert storm from {integration}: {many}", TITLE_LENGTH_MAX)


def summary(alert: Alert) -> str:
    """Return what the sender says of `alert` in a sentence, or ""."""
    text = alert.annotations.get("summary") or alert.annotations.get("description") or ""
    return plain(text, SUMMARY_LENGTH_MAX)
