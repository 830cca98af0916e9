"""What a heartbeat that is missed, or heard of again, says as a signal, and its reader. Pure."""

from datetime import datetime, timedelta
from hashlib import blake2b
from zlib import crc32

import msgspec
from msgspec import Struct

from tocsin.kernel.durations import said, written
from tocsin.kernel.errors import Invalid
from tocsin.signals.core.heartbeat import Outcome
from tocsin.signals.model import FOR_EVER, Beat, Heartbeat, Ping, Rule, Signal, Slice

FORMAT = "heartbeat.v1"
INTEGRATION = "heartbeats"
TAIL_MAX = 1000  # characters of what a failed job said that stand in the alert


class Word(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept in the inbox of one heartbeat."""

    id: str
    name: str
    is_over: bool = False
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    annotations: dict[str, str] = msgspec.field(default_factory=dict)


_decode = msgspec.json.Decoder(Word).decode
_encode = msgspec.json.Encoder().encode


def word(
    one: Heartbeat, before: Beat, outcome: Outcome, ping: Ping | None, now: datetime
) -> Word | None:
    """Return what the alert of a heartbeat is to hear of an outcome; None: nothing.

    `before` is how it stood when `ping` came, or when it was looked at.
    """
    if outcome in (Outcome.NOTHING, Outcome.HELD):
        return None
    if outcome in (Outcome.RECOVERED, Outcome.ENDED):
        return gone(str(one.id), one.name)
    failed = outcome is Outcome.FAILED
    summary = _failed(one, ping) if failed else _missed(one, before, now)
    annotations = {"summary": summary, "description": one.description}
    annotations["runbook_url"] = one.runbook_url
    if ping is not None:
        annotations["output"] = ping.text[-TAIL_MAX:].strip()
    labels = {
        **one.labels, "alertname": f"Heartbeat {one.name}", "heartbeat": one.name,
        "severity": one.severity, "team": one.team or "",
    }  # fmt: skip
    return Word(
        id=str(one.id),
        name=one.name,
        labels={name: value for name, value in labels.items() if value},
        annotations={name: value for name, value in annotations.items() if value},
    )


def gone(heartbeat_id: str, name: str) -> Word:
    """Return the word that what was wrong with a heartbeat is over."""
    return Word(id=heartbeat_id, name=name, is_over=True)


def kept(found: Word, lanes: int) -> Slice:
    """Put a word into the form in which it is kept; those of one heartbeat share a lane."""
    return Slice(
        lane=crc32(found.id.encode()) % lanes,
        body=_encode(found),
        count=1,
        ends=found.is_over,
    )


def rhythm(rule: Rule) -> str:
    """Say when a job is to be heard of: `every 5m`, `30 2 * * * Europe/Berlin`."""
    if rule.every_s is not None:
        return f"every {written(rule.every_s)}"
    return f"{rule.cron} {rule.zone}"


def _failed(one: Heartbeat, ping: Ping | None) -> str:
    code = ping.exit_code if ping is not None else None
    return f"{one.name} failed" + (f" with exit code {code}" if code is not None else "")


def _missed(one: Heartbeat, before: Beat, now: datetime) -> str:
    rule = one.rule
    grace = f"grace {written(rule.grace_s)}"
    started_at = before.started_at
    if started_at is not None and now - started_at >= timedelta(seconds=rule.grace_s):
        return f"{one.name} began {said(now - started_at)} ago and has not ended ({grace})"
    last = (
        f"last heard well {said(now - before.ok_at)} ago"
        if before.ok_at
        else "never heard well"
    )
    return f"{one.name} was not heard of in time: {last}, expected {rhythm(rule)} ({grace})"


class HeartbeatReader:
    """Reads what was kept of heartbeats back; the alert links to the screen of its own."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    def read(self, body: bytes, received_at: datetime) -> tuple[Signal, ...]:
        """Turn a slice back into its one signal, which fires until the job is heard of again."""
        found = _decode(body)
        return (
            Signal(
                dedup_key=blake2b(f"heartbeat/{found.id}".encode(), digest_size=16).digest(),
                labels=found.labels,
                annotations=found.annotations,
                starts_at=received_at,
                ends_at=received_at if found.is_over else FOR_EVER,
                ends_by_timeout=False,
                source_url=f"{self._base_url}/heartbeats/{found.name}",
                only_ends=found.is_over,
            ),
        )


def kind_named(text: str) -> int | None:
    """Return the exit code that the end of a ping's path is; None: it is none. Raises Invalid."""
    if not (text.isascii() and text.isdecimal()):
        return None
    if len(text) > 3 or int(text) > 255:  # noqa: PLR2004 - what a process can end with
        raise Invalid("an exit code is a number from 0 to 255", field="exit code")
    return int(text)
