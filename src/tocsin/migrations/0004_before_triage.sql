-- Why: alerts and the groups they page as.
CREATE SCHEMA IF NOT EXISTS triage;

CREATE TABLE triage.groups (
    id           uuid        PRIMARY KEY,
    key          text        NOT NULL,
    state        text        NOT NULL,
    labels       jsonb       NOT NULL,
    title        text        NOT NULL,
    summary      text        NOT NULL,
    integration  text        NOT NULL,
    route        text        NOT NULL,
    policy       text        NOT NULL,
    urgency      text        NOT NULL,
    firing_count integer     NOT NULL,
    alert_count  integer     NOT NULL,
    noted_count  integer     NOT NULL,
    opened_at    timestamptz NOT NULL,
    due_at       timestamptz,
    cleared_at   timestamptz,
    storm        boolean     NOT NULL
);
CREATE UNIQUE INDEX groups_live ON triage.groups (key) WHERE state <> 'ended';
CREATE INDEX groups_opened ON triage.groups (opened_at);

CREATE TABLE triage.alerts (
    id              uuid        PRIMARY KEY,
    dedup_key       bytea       NOT NULL UNIQUE,
    state           text        NOT NULL,
    labels          jsonb       NOT NULL,
    annotations     jsonb       NOT NULL,
    source_url      text        NOT NULL,
    integration     text        NOT NULL,
    starts_at       timestamptz NOT NULL,
    ends_at         timestamptz NOT NULL,
    ends_by_timeout boolean     NOT NULL,
    updated_at      timestamptz NOT NULL,
    group_id        uuid,
    seen_count      integer     NOT NULL,
    fired_count     integer     NOT NULL,
    urgency         text        NOT NULL,
    reasons         text[]      NOT NULL
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX alerts_ends ON triage.alerts (ends_at) WHERE state = 'firing';
CREATE INDEX alerts_group ON triage.alerts (group_id);
