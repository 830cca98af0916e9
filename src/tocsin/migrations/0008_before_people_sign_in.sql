-- Why: people sign in with a password, see and end their sessions; tokens end, are limited and show their use.
CREATE TABLE governance.users (
    person_id    uuid        PRIMARY KEY,   -- uid of the resource Person
    role         text        NOT NULL,
    password     text,                      -- argon2id in PHC form; NULL = invited, not set yet
    created_at   timestamptz NOT NULL,
    password_at  timestamptz,
    signed_in_at timestamptz,
    disabled_at  timestamptz
);

ALTER TABLE governance.sessions
    ADD COLUMN id           uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    ADD COLUMN last_seen_at timestamptz,
    ADD COLUMN browser      text NOT NULL DEFAULT '';
CREATE INDEX sessions_actor ON governance.sessions (actor_id);

ALTER TABLE governance.links
    DROP CONSTRAINT links_purpose_check,
    ADD CONSTRAINT links_purpose_check
        CHECK (purpose IN ('acknowledge', 'sign-in', 'invite', 'reset'));
CREATE INDEX links_person ON governance.links (person_id) WHERE purpose IN ('invite', 'reset');

ALTER TABLE governance.tokens
    ADD COLUMN expires_at   timestamptz,    -- NULL = until it is revoked
    ADD COLUMN last_used_at timestamptz,
    ADD COLUMN person_id    uuid,           -- whose personal token; NULL = a machine's
    ADD COLUMN teams        text[],         -- the role counts in these alone; NULL = everywhere
    ADD COLUMN integration  text;           -- what it sends for; NULL = its own name
CREATE INDEX tokens_person ON governance.tokens (person_id) WHERE person_id IS NOT NULL;

-- rate limits by the generic cell rate algorithm: one instant a key; a crash may forget them
CREATE UNLOGGED TABLE governance.limits (
    key bytea       PRIMARY KEY,            -- SHA-256 of what is limited
    tat timestamptz NOT NULL                -- theoretical arrival time
);
CREATE INDEX limits_tat ON governance.limits (tat);
