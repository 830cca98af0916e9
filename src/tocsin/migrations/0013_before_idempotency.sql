-- Why: a request that is sent again with the same key is done once and answered as the first time.
CREATE TABLE kernel.answers (
    actor_id uuid        NOT NULL,
    key      text        NOT NULL,
    request  bytea       NOT NULL,          -- SHA-256 of method, path and body: one key, one request
    status   smallint,
    headers  jsonb,
    body     bytea,                         -- NULL: the answer held a secret, which is kept nowhere
    kept_at  timestamptz NOT NULL,
    PRIMARY KEY (actor_id, key)
);
CREATE INDEX answers_kept ON kernel.answers (kept_at);
