-- Why: only a method that is known to work counts as reachable; browsers are called by web push.

-- What is known of an address, by (person, kind and address): the address itself is not kept here.
-- Another address is another fingerprint, and so not verified.
CREATE TABLE oncall.contact_states (
    person_id   uuid        NOT NULL,
    fingerprint text        NOT NULL,        -- see oncall/core/reachability.py: fingerprint
    kind        text        NOT NULL,
    verified_at timestamptz,
    verified_by text        NOT NULL DEFAULT '',  -- 'code' or 'subscription'
    sent_at     timestamptz,                 -- a provider took something for it, the last time
    received_at timestamptz,                 -- the device itself said that it has it
    failed_at   timestamptz,
    error       text        NOT NULL DEFAULT '',
    dropped_at  timestamptz,                 -- the provider said that the address is wrong or gone
    PRIMARY KEY (person_id, fingerprint)
);
CREATE INDEX contact_states_address ON oncall.contact_states (fingerprint) WHERE verified_at IS NOT NULL;

-- Codes that were sent, by hash; kept for a day, since they are counted.
CREATE TABLE oncall.contact_codes (
    id          uuid        PRIMARY KEY,
    person_id   uuid        NOT NULL,
    fingerprint text        NOT NULL,
    kind        text        NOT NULL,
    hash        text        NOT NULL,        -- argon2id
    sent_at     timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    tries_left  integer     NOT NULL,
    outcome     text,                        -- sent, transient, permanent; NULL: not known (killed)
    error       text        NOT NULL DEFAULT '',
    used_at     timestamptz
);
CREATE INDEX contact_codes_person ON oncall.contact_codes (person_id, sent_at DESC);

-- A test belongs to an address, wherever that stands in the list by now.
ALTER TABLE oncall.contact_tests ADD COLUMN fingerprint text NOT NULL DEFAULT '';

-- Browsers that people have subscribed. Endpoint and keys are secrets: who has them can reach the person.
CREATE TABLE oncall.push_devices (
    id          uuid        PRIMARY KEY,
    person_id   uuid        NOT NULL,
    endpoint    text        NOT NULL,
    p256dh      bytea       NOT NULL,        -- the browser's public key, 65 bytes
    auth        bytea       NOT NULL,        -- the secret both sides know, 16 bytes
    name        text        NOT NULL,
    added_at    timestamptz NOT NULL,
    sent_at     timestamptz,
    received_at timestamptz,
    failed_at   timestamptz,
    error       text        NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX push_devices_endpoint ON oncall.push_devices (endpoint);
CREATE INDEX push_devices_person ON oncall.push_devices (person_id, added_at);

-- At most one row: by what push services know this Tocsin. Without it every browser must subscribe anew.
CREATE TABLE oncall.push_key (
    one     boolean     PRIMARY KEY DEFAULT true CHECK (one),
    private bytea       NOT NULL,            -- P-256, 32 bytes
    made_at timestamptz NOT NULL
);
