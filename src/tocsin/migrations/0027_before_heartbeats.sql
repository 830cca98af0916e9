-- Why: jobs of users are to be heard of; who stays away is an alert, decided once over all nodes.

-- One row a Heartbeat; it comes and goes with its resource, in the same transaction.
CREATE TABLE signals.heartbeats (
    id             uuid        PRIMARY KEY,        -- of the resource
    state          text        NOT NULL CHECK (state IN ('new', 'up', 'down', 'paused')),
    paused_by_hand boolean     NOT NULL DEFAULT false,
    key_hash       bytea       UNIQUE,
    key_made_at    timestamptz,
    heard_at       timestamptz,                    -- the last ping of any kind
    ok_at          timestamptz,                    -- the last good one
    started_at     timestamptz,                    -- of a run that has not ended
    down_at        timestamptz,
    expected_at    timestamptz,
    due_at         timestamptz,                    -- when somebody has to look; NULL: not at all
    ping_count     bigint      NOT NULL DEFAULT 0
);
CREATE INDEX heartbeats_due ON signals.heartbeats (due_at) WHERE due_at IS NOT NULL;

-- The newest pings of each (store/heartbeats.py: PINGS_KEPT); ids are in the order of their coming.
CREATE TABLE signals.pings (
    heartbeat_id uuid        NOT NULL REFERENCES signals.heartbeats (id) ON DELETE CASCADE,
    id           uuid        NOT NULL,
    at           timestamptz NOT NULL,
    kind         text        NOT NULL,
    exit_code    smallint,
    text         text        NOT NULL,             -- what the job said; untrusted
    sender       text        NOT NULL,
    PRIMARY KEY (heartbeat_id, id)
);

-- Since when, and until when, nobody could ping: no process heard, or none reached the database.
CREATE TABLE signals.listening (
    only_row   boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    heard_at   timestamptz NOT NULL,
    deaf_since timestamptz,
    deaf_until timestamptz
);
