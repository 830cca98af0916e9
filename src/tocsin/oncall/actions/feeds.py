"""Calendars for programs that cannot sign in: an address with a secret, which can be revoked."""

import secrets
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from tocsin.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from tocsin.kernel.ids import uuid7
from tocsin.kernel.unit import Unit
from tocsin.oncall import events, store
from tocsin.oncall.actions.overriding import author, schedule_named
from tocsin.oncall.actions.trying import whole_self
from tocsin.oncall.core.config import Directory
from tocsin.oncall.core.schedule import final
from tocsin.oncall.core.schedule.ical import Entry, Revision, calendar, digest, entries
from tocsin.oncall.model import Feed, FeedKind, Schedule

FEEDS_MAX = 20  # of one person
BEFORE, AHEAD = timedelta(days=30), timedelta(days=180)
A_TURN = timedelta(days=35)
TOKEN_MAX = 100


class NewFeed(Struct, frozen=True):
    """A calendar, and the secret in its address: shown once."""

    feed: Feed
    token: str


async def add_feed(unit: Unit, kind: FeedKind, name: str = "") -> NewFeed:
    """Make a calendar of a person's shifts (one's own, if none is named), a schedule's or a team's.

    Raises Invalid, NotFound, and Conflict where there are too many.
    """
    unit.require("self:write")
    unit.require("oncall:read")
    directory = unit.config(Directory)
    owner = whole_self(directory, unit)
    whose = directory.person_named(name) if name and kind is FeedKind.PERSON else owner
    if kind is FeedKind.SCHEDULE:
        schedule_named(directory, name)
    elif kind is FeedKind.TEAM and not _schedules(directory, kind, name):
        raise Invalid(f"team {name!r} has no schedule", field="name")
    if len(await store.feeds_of(unit.conn, owner.id)) >= FEEDS_MAX:
        raise Conflict(f"you have {FEEDS_MAX} calendars; revoke one first")
    feed = Feed(
        id=uuid7(), kind=kind, name="" if whose == owner and kind is FeedKind.PERSON else name,
        person_id=whose.id if kind is FeedKind.PERSON else None,
        owner_id=owner.id, author=author(unit.actor), created_at=unit.now,
    )  # fmt: skip
    return await _share(unit, feed)


async def regenerate_feed(unit: Unit, feed_id: UUID) -> NewFeed:
    """Give a calendar of one's own another address, and another id; the old one opens nothing.

    Raises NotFound, and Forbidden where it is somebody else's: the secret is for its owner alone.
    """
    unit.require("self:write")
    unit.require("oncall:read")
    found = await store.remove_feed(unit.conn, feed_id)
    if found.owner_id != unit.actor.person_id:
        raise Forbidden("only who has made a calendar gives it another address")
    whole_self(unit.config(Directory), unit)
    unit.record(
        events.CalendarRevoked(feed_id=found.id, owner_id=found.owner_id, what=found.kind)
    )
    feed = replace(
        found, id=uuid7(), author=author(unit.actor), created_at=unit.now, used_at=None,
        sequence=0, digest="", changed_at=None,
    )  # fmt: skip
    return await _share(unit, feed)


async def _share(unit: Unit, feed: Feed) -> NewFeed:
    token = secrets.token_urlsafe(32)
    await store.add_feed(unit.conn, feed, _hash(token))
    unit.record(events.CalendarShared(feed_id=feed.id, owner_id=feed.owner_id, what=feed.kind))
    return NewFeed(feed, token)


async def remove_feed(unit: Unit, feed_id: UUID) -> None:
    """Revoke a calendar: its address opens nothing any more. Raises NotFound."""
    unit.require("self:write")
    found = await store.remove_feed(unit.conn, feed_id)
    if found.owner_id != unit.actor.person_id:
        unit.require_on("schedule:override", None)
    unit.record(
        events.CalendarRevoked(feed_id=found.id, owner_id=found.owner_id, what=found.kind)
    )


async def read_feed(unit: Unit, token: str) -> str:
    """Return the calendar behind a token: a month back, half a year ahead. Raises NotFound.

    That of somebody who has left opens nothing, as one that was revoked.
    """
    unit.require("page:step")
    directory = unit.config(Directory)
    found = None
    if len(token) <= TOKEN_MAX:
        found = await store.feed_by_token(unit.conn, _hash(token), unit.now)
    owner = directory.people.get(found.owner_id) if found else None
    if found is None or owner is None or not owner.active:
        raise NotFound("there is no such calendar; it may have been revoked")
    start, end = unit.now - BEFORE, unit.now + AHEAD
    agreed = await store.overrides(unit.conn, start - A_TURN, end + A_TURN)
    known = replace(directory, overrides=agreed)
    listed: list[Entry] = []
    for schedule in _schedules(known, found.kind, found.name):
        timeline = known.timeline(schedule, unit.now)
        shifts = final(timeline, start - A_TURN, end).shifts
        listed += entries(schedule, shifts, start)
    if found.kind is FeedKind.PERSON:
        listed = [one for one in listed if found.person_id in one.shift.people]
    title = directory.name_of(found.person_id) if found.person_id else found.name
    said = digest(listed, directory.name_of)
    found = await store.note_feed(unit.conn, found, said, unit.now.replace(microsecond=0))
    revision = Revision(found.sequence, found.changed_at or unit.now)
    return calendar(f"On call: {title}", listed, directory.name_of, revision)


def _schedules(directory: Directory, kind: FeedKind, name: str) -> list[Schedule]:
    everything = sorted(directory.schedules.values(), key=lambda one: one.name)
    match kind:
        case FeedKind.PERSON:
            return everything
        case FeedKind.SCHEDULE:
            return [one for one in everything if one.name == name]
        case FeedKind.TEAM:
            return [one for one in everything if one.team == name]


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()
