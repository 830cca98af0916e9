"""Looks on from outside: triggers write down what the rows themselves forget.

Each transaction is known by its id, so that "in the same transaction" can be asked afterwards.
Nothing here changes a row of the product, but for what it says of itself while time goes by.
"""

from datetime import datetime, timedelta
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from tocsin.signals.store.heartbeats import note_listening

LONG = timedelta(days=400)

INSTALL: LiteralString = """
CREATE SCHEMA watching;

CREATE TABLE watching.events (xid xid8, id uuid, kind text, at timestamptz, subjects uuid[],
                              n bigint GENERATED ALWAYS AS IDENTITY);
CREATE INDEX ON watching.events (xid);
CREATE INDEX ON watching.events (n) WHERE kind ~ '^signals.heartbeat_[a-z]+$';
CREATE FUNCTION watching.event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO watching.events
    SELECT pg_current_xact_id(), id, kind, at, subjects FROM new_rows;
    RETURN NULL;
END $$;
CREATE TRIGGER watching AFTER INSERT ON kernel.intake_log
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION watching.event();

CREATE TABLE watching.pages (
    n bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    xid xid8, page_id uuid, state_before text, state text, epoch_before integer, epoch integer,
    catch_before integer, catch integer, unpageable boolean
);
CREATE FUNCTION watching.page() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO watching.pages (xid, page_id, state_before, state, epoch_before, epoch,
                                catch_before, catch, unpageable)
    VALUES (pg_current_xact_id(), NEW.id, OLD.state, NEW.state, OLD.epoch, NEW.epoch,
            OLD.catch, NEW.catch, NEW.unpageable);
    RETURN NULL;
END $$;
CREATE TRIGGER watching AFTER UPDATE ON oncall.pages
    FOR EACH ROW WHEN (OLD.visible_to IS NOT DISTINCT FROM NEW.visible_to)
    EXECUTE FUNCTION watching.page();

-- what the page was like when an attempt began, and when a message was given up
CREATE TABLE watching.claims (
    notification_id uuid, number integer, epoch integer, page_state text, page_epoch integer,
    hidden boolean  -- the person may not see what the page is about
);
CREATE FUNCTION watching.claim() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO watching.claims
    SELECT NEW.notification_id, NEW.number, n.epoch, p.state, p.epoch,
           p.visible_to IS NOT NULL AND NOT ('person:' || n.person_id) = ANY (p.visible_to)
      FROM oncall.notifications n JOIN oncall.pages p ON p.id = n.page_id
     WHERE n.id = NEW.notification_id;
    RETURN NULL;
END $$;
CREATE TRIGGER watching_claim AFTER INSERT ON oncall.attempts
    FOR EACH ROW EXECUTE FUNCTION watching.claim();

-- attempts that were under way when their process died or stood still: nobody knows their outcome
CREATE TABLE watching.interrupted (notification_id uuid, number integer);

CREATE TABLE watching.failures (notification_id uuid, page_state text, page_epoch integer);
CREATE FUNCTION watching.failure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO watching.failures
    SELECT NEW.id, p.state, p.epoch FROM oncall.pages p WHERE p.id = NEW.page_id;
    RETURN NULL;
END $$;
CREATE TRIGGER watching AFTER UPDATE OF state ON oncall.notifications
    FOR EACH ROW WHEN (NEW.state = 'failed' AND OLD.state <> 'failed')
    EXECUTE FUNCTION watching.failure();

CREATE TABLE watching.outcomes (xid xid8, notification_id uuid, outcome text);
CREATE FUNCTION watching.outcome() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO watching.outcomes
    VALUES (pg_current_xact_id(), NEW.notification_id, NEW.outcome);
    RETURN NULL;
END $$;
CREATE TRIGGER watching AFTER UPDATE OF outcome ON oncall.attempts
    FOR EACH ROW EXECUTE FUNCTION watching.outcome();
"""


class Observer:
    """A connection of its own that only asks."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._conn: AsyncConnection[TupleRow] | None = None

    async def open(self, mutation: LiteralString = "") -> None:
        """Connect and begin to watch; a mutant's database is changed first."""
        self._conn = await AsyncConnection.connect(self._conninfo, autocommit=True)
        await self._conn.execute("SET jit = off")
        await self._conn.execute("SET TimeZone = 'UTC'")
        await self._conn.execute(INSTALL + mutation)

    async def close(self) -> None:
        """Look no more."""
        if self._conn is not None:
            await self._conn.close()

    async def rows(self, query: LiteralString, **params: object) -> list[tuple[Any, ...]]:
        """Return what a query finds."""
        assert self._conn is not None
        cursor = await self._conn.execute(query, params or None)
        return list(await cursor.fetchall())

    async def have_listened(self, at: datetime) -> None:
        """Write what living processes have written every five seconds: that pings are heard."""
        assert self._conn is not None
        await note_listening(self._conn, at, away=LONG)

    async def one(self, query: LiteralString, **params: object) -> Any:
        """Return the one value a query finds."""
        return (await self.rows(query, **params))[0][0]

    async def interrupted(self) -> None:
        """Excuse the attempts under way from having an outcome."""
        assert self._conn is not None
        await self._conn.execute(
            """
            INSERT INTO watching.interrupted
            SELECT notification_id, number FROM oncall.attempts WHERE outcome IS NULL
            """
        )

    async def work(self, now: datetime) -> frozenset[str]:
        """Say which duties have something to do at `now`."""
        found = await self.rows(
            """
            SELECT EXISTS (SELECT 1 FROM signals.inbox),
                   EXISTS (SELECT 1 FROM triage.alerts
                            WHERE state = 'firing' AND ends_at <= %(now)s),
                   EXISTS (SELECT 1 FROM kernel.jobs
                            WHERE parked_at IS NULL AND due_at <= %(now)s
                              AND (leased_until IS NULL OR leased_until <= %(now)s)),
                   EXISTS (SELECT 1 FROM signals.heartbeats WHERE due_at <= %(now)s),
                   EXISTS (SELECT 1 FROM signals.heartbeats)
                   AND NOT EXISTS (SELECT 1 FROM signals.listening
                                    WHERE heard_at >= %(now)s - interval '5 s')
            """,
            now=now,
        )
        duties = ("sort", "expire", "jobs", "miss", "listen")
        return frozenset(
            duty for duty, has_work in zip(duties, found[0], strict=True) if has_work
        )

    async def next_due(self) -> datetime | None:
        """Return when something is due next."""
        found: datetime | None = await self.one(
            """
            SELECT least((SELECT min(greatest(due_at, coalesce(leased_until, due_at)))
                            FROM kernel.jobs WHERE parked_at IS NULL),
                         (SELECT min(ends_at) FROM triage.alerts WHERE state = 'firing'),
                         (SELECT min(due_at) FROM signals.heartbeats))
            """
        )
        return found
