-- Why: doctor and the metrics tell how old the last backup is, without a walk through the log.

-- At most one row.
CREATE TABLE governance.last_backup (
    one       boolean     PRIMARY KEY DEFAULT true CHECK (one),
    taken_at  timestamptz NOT NULL,             -- what was committed then is in it
    row_count bigint      NOT NULL,
    bytes     bigint      NOT NULL
);
