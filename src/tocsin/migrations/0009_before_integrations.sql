-- Why: how each integration fares (last message, last error, rate), and changes reported by deployments.

-- One row an integration; every process adds what it has counted, some seconds late.
CREATE TABLE signals.integration_stats (
    integration     text        PRIMARY KEY,
    format          text        NOT NULL,
    first_at        timestamptz NOT NULL,
    last_message_at timestamptz,
    last_error_at   timestamptz,
    last_error      text        NOT NULL DEFAULT '',
    messages        bigint      NOT NULL DEFAULT 0,
    signals         bigint      NOT NULL DEFAULT 0,
    refusals        bigint      NOT NULL DEFAULT 0
);

-- The last hour, minute by minute; older rows are deleted.
CREATE TABLE signals.integration_minutes (
    integration text        NOT NULL,
    minute      timestamptz NOT NULL,
    messages    integer     NOT NULL,
    signals     integer     NOT NULL,
    refusals    integer     NOT NULL,
    PRIMARY KEY (integration, minute)
);

-- The last few refusals of each integration; what was refused is not kept, only why.
CREATE TABLE signals.integration_errors (
    id          uuid        PRIMARY KEY,
    integration text        NOT NULL,
    at          timestamptz NOT NULL,
    status      smallint    NOT NULL,
    error       text        NOT NULL
);
CREATE INDEX integration_errors_newest ON signals.integration_errors (integration, at DESC);

CREATE SCHEMA IF NOT EXISTS topology;

-- What was deployed, switched or configured, as its sender told it: first suspects of an incident.
CREATE TABLE topology.changes (
    id          uuid        PRIMARY KEY,
    digest      bytea       NOT NULL UNIQUE,     -- the same change sent again is the same row
    at          timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    integration text        NOT NULL,
    service     text        NOT NULL,            -- "" when the sender names none
    summary     text        NOT NULL,
    source      text        NOT NULL,
    links       jsonb       NOT NULL,
    details     jsonb       NOT NULL
);
CREATE INDEX changes_newest ON topology.changes (at DESC, id DESC);
CREATE INDEX changes_of_service ON topology.changes (service, at DESC);
CREATE INDEX changes_received ON topology.changes (received_at);
