-- Why: pages that people ask for, pages only some may see, what was read, and tests to oneself.
ALTER TABLE oncall.pages
    ADD COLUMN visible_to  text[],           -- NULL: everyone; else person:<uuid>, role:<role>
    ADD COLUMN team        text,             -- whose it is; NULL: nobody's
    ADD COLUMN requested   boolean NOT NULL DEFAULT false,  -- asked for by hand, beside the route's
    ADD COLUMN asked_person uuid;            -- the one whom a person asked for; NULL: by policy

ALTER TABLE oncall.notifications
    ADD COLUMN seen_at timestamptz;          -- opened in the web inbox
CREATE INDEX notifications_inbox ON oncall.notifications (person_id, queued_at DESC)
    WHERE kind = 'inbox';

ALTER TABLE oncall.attempts
    ADD COLUMN show text NOT NULL DEFAULT '';  -- how much of the text left: full, title, reference

-- A test is an attempt without a page: the same channel, the same outcome, its own row.
CREATE TABLE oncall.contact_tests (
    id          uuid        PRIMARY KEY,
    person_id   uuid        NOT NULL,
    method      integer     NOT NULL,        -- index into the person's methods
    kind        text        NOT NULL,
    show        text        NOT NULL,
    started_at  timestamptz NOT NULL,
    ended_at    timestamptz,
    outcome     text,                        -- sent, transient, permanent; NULL: not known (killed)
    provider_id text        NOT NULL DEFAULT '',
    error       text        NOT NULL DEFAULT '',
    seen_at     timestamptz
);
CREATE INDEX contact_tests_person ON oncall.contact_tests (person_id, started_at DESC);
