-- Why: pages, the messages they send and every try to deliver one.
CREATE SCHEMA IF NOT EXISTS oncall;

CREATE TABLE oncall.pages (
    id              uuid        PRIMARY KEY,
    incident_id     uuid        NOT NULL,
    policy_id       uuid        NOT NULL,
    state           text        NOT NULL,
    epoch           integer     NOT NULL,
    step            integer     NOT NULL,
    loop            integer     NOT NULL,
    catch           integer     NOT NULL,
    retriggers      integer     NOT NULL,
    unpageable      boolean     NOT NULL,
    opened_at       timestamptz NOT NULL,
    acknowledged_by uuid,
    acknowledged_at timestamptz,
    resolved_at     timestamptz,
    brief           jsonb       NOT NULL
);
CREATE INDEX pages_open ON oncall.pages (opened_at) WHERE state <> 'resolved';
CREATE INDEX pages_incident ON oncall.pages (incident_id);

CREATE TABLE oncall.notifications (
    id            uuid        PRIMARY KEY,
    page_id       uuid        NOT NULL REFERENCES oncall.pages (id),
    epoch         integer     NOT NULL,
    loop          integer     NOT NULL,
    step          integer     NOT NULL,      -- -1: the catch-all
    catch         integer     NOT NULL,
    person_id     uuid        NOT NULL,
    rule          integer     NOT NULL,
    method        integer     NOT NULL,      -- index into the person's methods
    kind          text        NOT NULL,
    state         text        NOT NULL,
    attempt_count integer     NOT NULL DEFAULT 0,
    queued_at     timestamptz NOT NULL,
    UNIQUE (page_id, epoch, loop, step, catch, person_id, rule, method)
);

CREATE TABLE oncall.attempts (
    notification_id uuid        NOT NULL REFERENCES oncall.notifications (id),
    number          integer     NOT NULL,
    started_at      timestamptz NOT NULL,
    ended_at        timestamptz,
    outcome         text,                    -- sent, transient, permanent; NULL: not known (killed)
    provider_id     text        NOT NULL DEFAULT '',
    error           text        NOT NULL DEFAULT '',
    PRIMARY KEY (notification_id, number)
);
