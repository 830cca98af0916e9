"""Hear pings and look for those that did not come; what that means is said to the inbox at once."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.errors import NotFound
from tocsin.kernel.ids import uuid7
from tocsin.kernel.resources import require_newest
from tocsin.kernel.unit import Unit
from tocsin.signals import store
from tocsin.signals.core.heartbeat import Outcome, Step, heard, look
from tocsin.signals.core.heartbeat_alert import FORMAT, INTEGRATION, Word, kept, word
from tocsin.signals.core.heartbeat_config import Heartbeats
from tocsin.signals.events import HeartbeatFailed, HeartbeatMissed, HeartbeatRecovered
from tocsin.signals.model import Beat, BeatState, Heartbeat, Ping, Receipt
from tocsin.signals.ports import LANES
from tocsin.signals.store import heartbeats as rows

AWAY = timedelta(seconds=15)  # without a word that pings are heard
LOOKS_MAX = 200  # heartbeats in one unit


class Heard(Struct, frozen=True, kw_only=True):
    """A ping that is on disk: whose it was, whether that is paused, and what came of it."""

    heartbeat: Heartbeat
    is_paused: bool
    outcome: Outcome


class Looked(Struct, frozen=True, kw_only=True):
    """How many heartbeats were due, and how many of them are missed from now on."""

    due_count: int = 0
    missed_count: int = 0


async def hear(unit: Unit, pings: Sequence[Ping]) -> list[Heard | None]:
    """Take pings in, in their order; None stands for one whose key nobody has."""
    unit.require("heartbeat:watch")
    known = unit.config(Heartbeats).by_id
    ids = {one.heartbeat_id for one in pings if one.heartbeat_id is not None}
    hashes = {one.key_hash for one in pings if one.key_hash}
    found, keys = await rows.heartbeats_for_update(unit.conn, ids, hashes)
    await require_newest(unit)
    beats = {key: one.beat for key, one in found.items() if key in known}
    answers: list[Heard | None] = []
    words: list[tuple[Word | None, datetime]] = []
    noted: list[tuple[UUID, Ping]] = []
    for ping in pings:
        key = ping.heartbeat_id or keys.get(ping.key_hash)
        if key is None or key not in beats:
            answers.append(None)
            continue
        one, before = known[key], beats[key]
        now = not_before(unit.now, before)
        step = heard(before, one.rule, ping.kind, now)
        beats[key] = step.beat
        noted.append((key, ping))
        words.append((word(one, before, step.outcome, ping, now), now))
        _record(unit, one, before, step, ping)
        is_paused = before.state is BeatState.PAUSED
        answers.append(Heard(heartbeat=one, is_paused=is_paused, outcome=step.outcome))
    if noted:
        counts = {key: sum(1 for one, _ in noted if one == key) for key, _ in noted}
        await rows.save_beats(unit.conn, {key: beats[key] for key in counts}, counts)
        await rows.add_pings(unit.conn, noted, unit.now)
        await tell(unit, words)
    return answers


async def ping(unit: Unit, name: str, one: Ping) -> Heard:
    """Ping a heartbeat by hand, by its name. Raises NotFound, Forbidden."""
    unit.require("heartbeat:ping")
    heartbeat = _found(unit, name)  # who may ping need not be somebody who may read
    unit.require_on("heartbeat:ping", heartbeat.team)
    meant = replace(one, heartbeat_id=heartbeat.id, key_hash=b"")
    with unit.reacting(unit.cause):
        [answer] = await hear(unit, [meant])
    if answer is None:
        raise NotFound(f"no heartbeat {name!r}")
    return answer


async def watch(unit: Unit) -> Looked:
    """Look at the heartbeats that are due.

    Nothing is decided while nobody hears pings; who may have been overheard gets more time.
    """
    unit.require("heartbeat:watch")
    listening = await rows.listening(unit.conn)
    if listening is None or unit.now - listening[0] > AWAY:
        return Looked()
    known = unit.config(Heartbeats).by_id
    due = await rows.due_for_update(unit.conn, unit.now, limit=LOOKS_MAX)
    await require_newest(unit)
    beats: dict[UUID, Beat] = {}
    words: list[tuple[Word | None, datetime]] = []
    missed_count = 0
    for row in due:
        one = known.get(row.id)
        if one is None:
            continue
        step = look(row.beat, one.rule, unit.now, listening[1])
        beats[row.id] = step.beat
        missed_count += step.outcome is Outcome.MISSED
        words.append((word(one, row.beat, step.outcome, None, unit.now), unit.now))
        _record(unit, one, row.beat, step, None)
    if beats:
        await rows.save_beats(unit.conn, beats, {})
        await tell(unit, words)
    return Looked(due_count=len(beats), missed_count=missed_count)


async def note_listening(unit: Unit) -> None:
    """Note that pings are heard; say so more often than every AWAY."""
    unit.require("heartbeat:watch")
    await rows.note_listening(unit.conn, unit.now, away=AWAY)


def not_before(now: datetime, *beats: Beat) -> datetime:
    """Return `now`, or the latest instant that is known of locked rows, if that is later.

    A unit's instant is older than its locks: while it waited for one, somebody else may have
    said later words of another row, and a word that comes after those must not look older.
    """
    known = (at for one in beats for at in (one.heard_at, one.down_at) if at is not None)
    return max((now, *known))


async def tell(unit: Unit, words: Iterable[tuple[Word | None, datetime]]) -> None:
    """Put words, each with its instant, into the inbox, to be sorted like all that is sent.

    They commit with this unit.
    """
    unit.require("heartbeat:read")
    slices = [(kept(one, LANES), at) for one, at in words if one is not None]
    if slices:
        await store.keep(
            unit.conn,
            [
                Receipt(uuid7(), part.lane, at, unit.actor.id, INTEGRATION, FORMAT, part.body)
                for part, at in slices
            ],
        )


def named(unit: Unit, name: str) -> Heartbeat:
    """Return a heartbeat that is configured. Raises NotFound."""
    unit.require("heartbeat:read")
    return _found(unit, name)


def _found(unit: Unit, name: str) -> Heartbeat:
    found = unit.config(Heartbeats).by_name.get(name)
    if found is None:
        raise NotFound(
            f"no heartbeat {name!r}; `tocsin heartbeat list` shows those there are, and an"
            " applied document of kind Heartbeat makes one"
        )
    return found


def _record(unit: Unit, one: Heartbeat, before: Beat, step: Step, ping: Ping | None) -> None:
    match step.outcome:
        case Outcome.MISSED:
            # a run that began may have been expected to end before its regular time
            awaited = (at for at in (before.expected_at, before.due_at) if at is not None)
            expected_at = min(awaited) if before.expected_at is not None else None
            unit.record(
                HeartbeatMissed(
                    heartbeat_id=one.id, heartbeat=one.name, expected_at=expected_at
                )
            )
        case Outcome.FAILED if before.state is not BeatState.DOWN:
            code = ping.exit_code if ping else None
            unit.record(
                HeartbeatFailed(heartbeat_id=one.id, heartbeat=one.name, exit_code=code)
            )
        case Outcome.RECOVERED:
            unit.record(
                HeartbeatRecovered(
                    heartbeat_id=one.id, heartbeat=one.name, down_at=before.down_at
                )
            )
        case _:
            pass
