-- Why: incidents, and which groups of alerts they are about.
CREATE SCHEMA IF NOT EXISTS command;

-- A row and not a sequence: a sequence skips numbers after a crash, and people would look for them.
CREATE TABLE command.incident_numbers (
    one  boolean PRIMARY KEY DEFAULT true CHECK (one),
    last bigint  NOT NULL DEFAULT 0
);
INSERT INTO command.incident_numbers DEFAULT VALUES;

CREATE TABLE command.incidents (
    id          uuid        PRIMARY KEY,
    number      bigint      NOT NULL UNIQUE,
    title       text        NOT NULL,
    description text        NOT NULL,
    status      text        NOT NULL,
    severity    smallint,
    urgency     text        NOT NULL,
    policy      text        NOT NULL,
    labels      jsonb       NOT NULL,
    opened_at   timestamptz NOT NULL,
    resolved_at timestamptz,
    resolved_by text        NOT NULL DEFAULT ''   -- 'alerts' or 'person'
);
CREATE INDEX incidents_open ON command.incidents (opened_at) WHERE resolved_at IS NULL;
CREATE INDEX incidents_resolved ON command.incidents (resolved_at) WHERE resolved_at IS NOT NULL;

CREATE TABLE command.incident_groups (
    group_id    uuid PRIMARY KEY,
    incident_id uuid NOT NULL REFERENCES command.incidents (id)
);
CREATE INDEX incident_groups_incident ON command.incident_groups (incident_id);

CREATE TABLE command.responders (
    incident_id uuid        NOT NULL REFERENCES command.incidents (id),
    person_id   uuid        NOT NULL,
    joined_at   timestamptz NOT NULL,
    PRIMARY KEY (incident_id, person_id)
);
