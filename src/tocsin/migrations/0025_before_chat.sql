-- Why: people answer pages by chat, ntfy and mail, over connections that Tocsin opens itself.

-- A connection by which replies are heard. One process at a time has it, under a lease.
CREATE TABLE oncall.listeners (
    name         text        PRIMARY KEY,    -- matrix, slack, ntfy, mail
    holder       uuid,
    leased_until timestamptz,
    position     text        NOT NULL DEFAULT '',  -- where to go on reading, in the provider's form
    connected_at timestamptz,                -- NULL: not connected
    error        text        NOT NULL DEFAULT '',  -- why not
    changed_at   timestamptz NOT NULL
);

-- What was acted on, so that a message that comes twice is heard once; kept for a week.
CREATE TABLE oncall.heard (
    source   text        NOT NULL,
    message  text        NOT NULL,           -- what the provider calls it, by digest
    heard_at timestamptz NOT NULL,
    PRIMARY KEY (source, message)
);
CREATE INDEX heard_at ON oncall.heard (heard_at);

-- Secrets that left with a page and come back with its answer.
CREATE TABLE oncall.reply_words (
    hash        bytea       PRIMARY KEY,     -- SHA-256
    kind        text        NOT NULL,
    person_id   uuid        NOT NULL,
    incident_id uuid        NOT NULL,
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz                  -- by ntfy a word works once
);
CREATE INDEX reply_words_expire ON oncall.reply_words (expires_at);

CREATE INDEX pages_number ON oncall.pages ((brief->>'number'));
CREATE INDEX attempts_provider ON oncall.attempts (provider_id) WHERE provider_id <> '';
