-- Why: paging is held after a restore, and the log's level is changed without a restart.

-- Jobs of these kinds wait, however overdue, until the row is gone; all others run.
CREATE TABLE kernel.held_jobs (
    kind    text        PRIMARY KEY,
    held_at timestamptz NOT NULL,
    reason  text        NOT NULL             -- 'restored' or 'asked'
);

-- At most one row: what is logged instead of what the settings say, and until when.
CREATE TABLE governance.log_level (
    one   boolean     PRIMARY KEY DEFAULT true CHECK (one),
    level text        NOT NULL,
    until timestamptz NOT NULL
);
