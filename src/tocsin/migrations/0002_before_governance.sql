-- Why: who may. Tokens, sessions and one-time links; only hashes of secrets are kept.
CREATE SCHEMA IF NOT EXISTS governance;

CREATE TABLE governance.tokens (
    id         uuid        PRIMARY KEY,
    name       text        NOT NULL UNIQUE,
    role       text        NOT NULL,
    hash       bytea       NOT NULL UNIQUE,   -- SHA-256 of a 256-bit random secret
    rate       integer,                       -- intake limit, alerts/s; NULL = unlimited
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);

CREATE TABLE governance.sessions (
    hash       bytea       PRIMARY KEY,
    name       text        NOT NULL,
    role       text        NOT NULL,
    actor_id   uuid        NOT NULL,
    person_id  uuid,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE TABLE governance.links (
    hash       bytea       PRIMARY KEY,
    purpose    text        NOT NULL CHECK (purpose IN ('acknowledge', 'sign-in')),
    person_id  uuid,
    page_id    uuid,
    role       text        NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX links_expiry ON governance.links (expires_at);
