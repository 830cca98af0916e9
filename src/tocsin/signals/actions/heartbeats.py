"""What people do with heartbeats: configure them, give them a key, pause and resume them."""

import secrets
from hashlib import sha256

from tocsin.kernel.errors import Conflict, NotFound
from tocsin.kernel.resources import require_newest
from tocsin.kernel.unit import Unit
from tocsin.signals.actions.pinging import named, not_before, tell
from tocsin.signals.core.heartbeat import edited, paused, resumed
from tocsin.signals.core.heartbeat_alert import gone, word
from tocsin.signals.core.heartbeat_config import Heartbeats
from tocsin.signals.events import HeartbeatKeyMade, HeartbeatPaused, HeartbeatResumed
from tocsin.signals.model import Beat, BeatState, Heartbeat, Standing
from tocsin.signals.store import heartbeats as rows

KEY_BYTES = 24
KEY_LENGTH = 32  # characters of a key


def key_hash(key: str) -> bytes:
    """Return what is stored of a key. It has 192 random bits: a slow hash adds nothing."""
    return sha256(key.encode()).digest()


async def follow(unit: Unit, before: Heartbeats, after: Heartbeats) -> None:
    """Let the rows of heartbeats go where an edit of their resources goes, in its unit."""
    unit.require("resource:apply")
    added = after.by_id.keys() - before.by_id.keys()
    if added:
        await rows.add_heartbeats(unit.conn, added)
    if removed := before.by_id.keys() - after.by_id.keys():
        down = await rows.remove_heartbeats(unit.conn, removed)
        words = [
            (gone(str(key), before.by_id[key].name), not_before(unit.now, down[key]))
            for key in sorted(down)
        ]
        await tell(unit, words)
    moved = [one for key, one in after.by_id.items() if _is_moved(before.by_id.get(key), one)]
    if moved:
        found, _ = await rows.heartbeats_for_update(unit.conn, {one.id for one in moved})
        for one in moved:
            await _edit(unit, one, found[one.id])


async def make_key(unit: Unit, name: str) -> str:
    """Give a heartbeat a new key and return it, this once; the one it had opens nothing any more.

    Raises NotFound, Forbidden.
    """
    unit.require("heartbeat:key")
    one = named(unit, name)
    unit.require_on("heartbeat:key", one.team)
    row = await _row(unit, one)
    key = secrets.token_urlsafe(KEY_BYTES)
    await rows.set_key(unit.conn, one.id, key_hash(key), unit.now)
    unit.record(
        HeartbeatKeyMade(
            heartbeat_id=one.id, heartbeat=one.name, replaced=row.key_made_at is not None
        )
    )
    return key


async def pause(unit: Unit, name: str) -> None:
    """Look after a heartbeat no more until it is resumed; its alert ends. Raises NotFound."""
    unit.require("heartbeat:pause")
    one = named(unit, name)
    unit.require_on("heartbeat:pause", one.team)
    row = await _row(unit, one)
    if row.paused_by_hand:
        return
    await rows.set_paused(unit.conn, one.id, by_hand=True)
    await _pause(unit, one, row.beat)
    unit.record(HeartbeatPaused(heartbeat_id=one.id, heartbeat=one.name))


async def resume(unit: Unit, name: str) -> None:
    """Look after a heartbeat again, from now on.

    Raises NotFound, and Conflict where it is its resource that pauses it.
    """
    unit.require("heartbeat:pause")
    one = named(unit, name)
    unit.require_on("heartbeat:pause", one.team)
    if one.paused:
        raise Conflict(
            f"{name} is paused by its resource: apply Heartbeat/{name} with paused: false"
        )
    row = await _row(unit, one)
    if not row.paused_by_hand:
        return
    await rows.set_paused(unit.conn, one.id, by_hand=False)
    await _resume(unit, one, row.beat)
    unit.record(HeartbeatResumed(heartbeat_id=one.id, heartbeat=one.name))


def _is_moved(before: Heartbeat | None, after: Heartbeat) -> bool:
    if before is None:
        return after.paused
    return (before.rule, before.paused) != (after.rule, after.paused)


async def _edit(unit: Unit, one: Heartbeat, row: Standing) -> None:
    if one.paused:
        await _pause(unit, one, row.beat)
    elif row.beat.state is BeatState.PAUSED:
        if not row.paused_by_hand:
            await _resume(unit, one, row.beat)
    else:
        beat = edited(row.beat, one.rule, unit.now)
        await rows.save_beats(unit.conn, {one.id: beat}, {})


async def _pause(unit: Unit, one: Heartbeat, beat: Beat) -> None:
    step = paused(beat)
    await rows.save_beats(unit.conn, {one.id: step.beat}, {})
    now = not_before(unit.now, beat)
    await tell(unit, [(word(one, beat, step.outcome, None, now), now)])


async def _resume(unit: Unit, one: Heartbeat, beat: Beat) -> None:
    step = resumed(beat, one.rule, unit.now)
    await rows.save_beats(unit.conn, {one.id: step.beat}, {})


async def _row(unit: Unit, one: Heartbeat) -> Standing:
    found, _ = await rows.heartbeats_for_update(unit.conn, {one.id})
    await require_newest(unit)
    if one.id not in found:
        raise NotFound(f"no heartbeat {one.name!r} any more")
    return found[one.id]
