"""What the demo says on the terminal: how to get in, then a line for each thing that happens."""

import contextlib
import sys
from uuid import UUID

import msgspec
import psycopg

from tocsin.app.wiring import Application
from tocsin.command import events as command
from tocsin.command import reads as incidents
from tocsin.kernel import live, timeline
from tocsin.kernel.actor import SYSTEM
from tocsin.kernel.clock import Clock
from tocsin.kernel.errors import Refused
from tocsin.kernel.events import kind_of
from tocsin.kernel.live import Moved
from tocsin.kernel.timeline import Entry
from tocsin.kernel.unit import Unit
from tocsin.oncall import events as oncall
from tocsin.oncall.core.config import Directory

# true, and on the incident's own page, but no news to somebody who watches
QUIET = frozenset(
    kind_of(event)
    for event in (
        command.GroupJoined, command.ResponderJoined, oncall.PageOpened, oncall.PageResolved,
        oncall.NotificationSuppressed,
    )
)  # fmt: skip
# more than three times what one incident of the demo writes
RECENT = 100
SAMPLE = [
    {
        "labels": {"alertname": "HelloTocsin", "service": "hello", "severity": "critical"},
        "annotations": {"summary": "Sent by hand"},
    }
]


class Terminal:
    """Standard output, a line at a time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def say(self, text: str) -> None:
        """Write a line at once."""
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def happened(self, about: str, text: str) -> None:
        """Write a line with the time and what it is about."""
        self.say(f"{self._clock.now():%H:%M:%S}  {about:8}{text}")


def welcome(*, url: str, sign_in: str, metrics_url: str, token: str, place: str) -> str:
    """Return the first words: where it is, how to get in, how to send an alert."""
    curl = " ".join(
        (
            f"curl -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json'",
            f"{url}/api/v2/alerts -d '{msgspec.json.encode(SAMPLE).decode()}'",
        )
    )
    return f"""
Tocsin demo: ACME, a shop whose services will be in trouble in a moment.

  Open       {url}
  Sign in    {sign_in}
             (works once; the next start prints a new one)
  Metrics    {metrics_url}
  Kept in    {place}

Send an alert of your own; it pages whoever is on call, and nobody answers it but you:

  {curl}

All mail stays in this process and is shown here. Times are UTC. Ctrl-C ends the demo.
"""


async def narrate(app: Application, terminal: Terminal) -> None:
    """Write what happens to incidents, in the words of their timelines, until cancelled."""
    while True:  # a stream that was too slow ends, and another one begins
        async for moved in live.stream(app.hub, app.db, None):
            if moved is None or moved.incident_id is None or moved.kind in QUIET:
                continue
            # a lost database costs a line here and nothing in the log
            with contextlib.suppress(psycopg.Error, Refused):
                found = await _words(app, moved, moved.incident_id)
                if found is not None:
                    terminal.happened(*found)


async def _words(app: Application, moved: Moved, incident_id: UUID) -> tuple[str, str] | None:
    async def read(unit: Unit) -> tuple[str, list[Entry]]:
        name = unit.config(Directory).name_of
        incident = await incidents.incident(unit, str(incident_id))
        entries = await timeline.about(
            unit, [incident_id], catalog=app.catalog, name=name, limit=RECENT
        )
        return incident.reference, entries

    reference, entries = await app.units.run(SYSTEM, read)
    return next(((reference, e.sentence) for e in entries if e.seq == moved.seq), None)
