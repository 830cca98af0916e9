-- Why: the ground. Log (intake, then sealed), jobs and timers, parked reactions, resources.
-- timeout: 60s
CREATE SCHEMA IF NOT EXISTS kernel;

-- Units insert here last, without lock or sequence; the sealer empties it in (stamp, ordinal) order.
CREATE TABLE kernel.intake_log (
    id       uuid        PRIMARY KEY,
    stamp    timestamptz NOT NULL DEFAULT clock_timestamp(),
    ordinal  integer     NOT NULL,
    at       timestamptz NOT NULL,
    kind     text        NOT NULL,
    subjects uuid[]      NOT NULL,
    line     text        NOT NULL          -- the exact bytes that are hashed, never jsonb
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
CREATE INDEX intake_log_order ON kernel.intake_log (stamp, ordinal);

CREATE TABLE kernel.log (
    seq      bigint      PRIMARY KEY,      -- dense, given by the sealer
    id       uuid        NOT NULL UNIQUE,
    at       timestamptz NOT NULL,
    kind     text        NOT NULL,
    subjects uuid[]      NOT NULL,
    line     text        NOT NULL,
    leaf     bytea       NOT NULL          -- SHA-256(0x00 || line), an RFC 6962 leaf hash
);
CREATE INDEX log_subjects ON kernel.log USING gin (subjects);

-- One row: where the log ends. Root and signature come with the Merkle tree.
CREATE TABLE kernel.log_head (
    one    boolean PRIMARY KEY DEFAULT true CHECK (one),
    size   bigint  NOT NULL DEFAULT 0
);
INSERT INTO kernel.log_head DEFAULT VALUES;

CREATE TABLE kernel.jobs (
    id           uuid        PRIMARY KEY,
    kind         text        NOT NULL,
    mode         text        NOT NULL CHECK (mode IN ('timer', 'errand')),
    body         text        NOT NULL,
    subject      uuid,                     -- what the job keeps alive: a page, a group
    epoch        integer     NOT NULL DEFAULT 0,
    key          text        UNIQUE,       -- at most one undone job of this key
    due_at       timestamptz NOT NULL,
    leased_until timestamptz,
    leased_by    uuid,
    attempts     integer     NOT NULL DEFAULT 0,
    last_error   text        NOT NULL DEFAULT '',
    parked_at    timestamptz
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
CREATE INDEX jobs_due ON kernel.jobs (mode, due_at) WHERE parked_at IS NULL;
CREATE INDEX jobs_subject ON kernel.jobs (subject) WHERE subject IS NOT NULL;

-- MAY reactions that failed: kept with the event they answer, retried, visible to an operator.
CREATE TABLE kernel.parked (
    id         uuid        PRIMARY KEY,
    reaction   text        NOT NULL,
    event_id   uuid        NOT NULL,
    event      text        NOT NULL,
    error      text        NOT NULL,
    attempts   integer     NOT NULL DEFAULT 1,
    parked_at  timestamptz NOT NULL
);

CREATE TABLE kernel.revisions (
    revision   bigint      PRIMARY KEY,    -- counted under the lock of an apply, without gaps
    applied_at timestamptz NOT NULL,
    applied_by text        NOT NULL
);

CREATE TABLE kernel.resources (
    uid        uuid   PRIMARY KEY,
    kind       text   NOT NULL,
    name       text   NOT NULL,
    version    integer NOT NULL,
    spec       jsonb  NOT NULL,            -- without private fields
    managed_by text   NOT NULL,
    deleted    boolean NOT NULL DEFAULT false,
    UNIQUE (kind, name)
);

CREATE TABLE kernel.resource_versions (
    uid            uuid        NOT NULL REFERENCES kernel.resources (uid),
    version        integer     NOT NULL,
    revision       bigint      NOT NULL REFERENCES kernel.revisions (revision),
    spec           jsonb       NOT NULL,   -- private fields as salted commitments
    deleted        boolean     NOT NULL DEFAULT false,
    effective_from timestamptz NOT NULL,
    PRIMARY KEY (uid, version)
);

-- Personal and secret fields: current value only, erasable, outside every history.
CREATE TABLE kernel.resource_private (
    uid    uuid  PRIMARY KEY REFERENCES kernel.resources (uid),
    fields jsonb NOT NULL
);
