"""An incident as a report to read: Markdown, in UTC. Whatever senders wrote in it stays text."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from tocsin.kernel.durations import said
from tocsin.web.api.incident_shapes import Export, ExportedAlert, IncidentDetail, NoteShape
from tocsin.web.api.page_shapes import PageDetail
from tocsin.web.api.shapes import EntryShape

_MARKS = re.compile(r"([\\`*_{}\[\]<>#|!~])")
ALERTS_SHOWN = 200


def report(export: Export) -> str:
    """Write a report: facts, people, pages, notes, alerts and the timeline in order."""
    incident = export.incident
    lines = [
        f"# {incident.reference} {plain(incident.title)}",
        "",
        *_facts(incident),
        *_section("About", quoted(incident.description) if incident.description else ()),
        *_section("Links", (f"- {plain(one.title)}: <{one.url}>" for one in incident.links)),
        *_section("Pages", map(_page, incident.pages)),
        *_section("Notes", (line for one in export.notes for line in _note(one))),
        *_section("Alerts", _alerts(export.alerts)),
        *_section("Timeline (UTC)", (line for one in export.timeline for line in _entry(one))),
    ]
    if not export.complete:
        lines += ["", "Not all of it is here: it is too long for one file."]
    return "\n".join(lines) + f"\n\nExported {when(export.exported_at)}.\n"


def plain(text: str) -> str:
    """Return text on one line that Markdown shows as it is."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


def quoted(text: str) -> Iterator[str]:
    """Return text of several lines as a quotation that Markdown shows as it is."""
    for line in text.splitlines() or [""]:
        yield f"> {plain(line)}".rstrip()


def when(at: datetime) -> str:
    """Write an instant in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _facts(incident: IncidentDetail) -> Iterator[str]:
    ended_at = incident.resolved_at
    facts = (
        ("Status", incident.status),
        ("Severity", f"SEV{incident.severity}" if incident.severity else None),
        ("Priority", incident.priority),
        ("Urgency", incident.urgency),
        ("Team", incident.team),
        ("Services", ", ".join(incident.services)),
        ("Opened", when(incident.opened_at)),
        ("Resolved", when(ended_at) if ended_at else None),
        ("Lasted", said(ended_at - incident.opened_at) if ended_at else None),
        ("Alerts", f"{incident.firing_count} firing of {incident.alert_count}"),
        ("Responders", ", ".join(one.person.name for one in incident.responders)),
        ("Related", ", ".join(one.reference for one in incident.related)),
        ("Merged into it", ", ".join(one.reference for one in incident.merged)),
        ("Restricted", "yes, to named people and roles" if incident.restricted else None),
    )
    for name, value in facts:
        if value:
            yield f"- **{name}**: {plain(str(value))}"


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield from ("", f"## {title}", "", *found)


def _page(page: PageDetail) -> str:
    via = f" at {plain(page.acknowledged_via)}" if page.acknowledged_via else ""
    by = f" by {plain(page.acknowledged_by.name)}" if page.acknowledged_by else via
    sent = sum(1 for one in page.notifications if one.state == "sent")
    policy = plain(page.policy) or "asked for by hand"
    return (
        f"- {policy}: {page.state}{by}, opened {when(page.opened_at)},"
        f" {sent} of {len(page.notifications)} messages sent"
    )


def _note(note: NoteShape) -> Iterator[str]:
    by = f", {plain(note.person.name)}" if note.person else ""
    yield f"- {when(note.at)}{by}:"
    yield ""
    yield from (f"  {line}" for line in quoted(note.text))
    yield ""


def _alerts(alerts: tuple[ExportedAlert, ...]) -> Iterator[str]:
    for one in alerts[:ALERTS_SHOWN]:
        labels = ", ".join(f"{name}={value}" for name, value in sorted(one.labels.items()))
        head = f"- {plain(one.name or 'unnamed')} ({one.state})"
        yield f"{head} since {when(one.starts_at)}: {plain(labels)}"
    if len(alerts) > ALERTS_SHOWN:
        yield f"- and {len(alerts) - ALERTS_SHOWN} more; the JSON export has them all"


def _entry(entry: EntryShape) -> Iterator[str]:
    yield f"- {when(entry.at)} {plain(entry.sentence)}"
    if entry.text:
        yield from ("", *(f"  {line}" for line in quoted(entry.text)), "")
