-- Why: a signal is on disk before its 2xx. The inbox is what is not sorted yet; receipts are what was.
CREATE SCHEMA IF NOT EXISTS signals;

-- One row = the signals of one request that share a lane. Bodies stay inline and uncompressed:
-- compressing 3 kB costs more CPU than all the rest of the insert.
CREATE TABLE signals.inbox (
    lane        smallint    NOT NULL,
    id          uuid        NOT NULL,
    received_at timestamptz NOT NULL,
    actor_id    uuid        NOT NULL,
    integration text        NOT NULL,
    format      text        NOT NULL,
    body        bytea       NOT NULL,
    PRIMARY KEY (lane, id)
) WITH (toast_tuple_target = 8160,
        autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
        autovacuum_vacuum_cost_delay = 0);
ALTER TABLE signals.inbox ALTER COLUMN body SET STORAGE EXTERNAL;

-- A sorter holds the row locks of its lanes for one transaction: the lock is the lease.
CREATE TABLE signals.lanes (lane smallint PRIMARY KEY);
INSERT INTO signals.lanes SELECT generate_series(0, 15);

CREATE TABLE signals.receipts (
    id          uuid        NOT NULL,
    lane        smallint    NOT NULL,
    received_at timestamptz NOT NULL,
    actor_id    uuid        NOT NULL,
    integration text        NOT NULL,
    format      text        NOT NULL,
    body        bytea       NOT NULL
) PARTITION BY RANGE (received_at);

-- What no rule could read: kept, shown, and paged about.
CREATE TABLE signals.unsortable (
    id          uuid        PRIMARY KEY,
    received_at timestamptz NOT NULL,
    integration text        NOT NULL,
    format      text        NOT NULL,
    body        bytea       NOT NULL,
    error       text        NOT NULL
);
