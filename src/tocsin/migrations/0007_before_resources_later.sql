-- Why: configuration is edited on screen as well as in files, deleted, and written down for later.

-- Who managed a resource when this version came into force: `file` or `screen`.
ALTER TABLE kernel.resource_versions
    ADD COLUMN managed_by text NOT NULL DEFAULT 'file';

-- What comes into force later. Its private fields stand here and in no history.
CREATE TABLE kernel.resource_scheduled (
    id             uuid        PRIMARY KEY,
    batch          uuid        NOT NULL,   -- comes into force together, or not at all
    uid            uuid        NOT NULL,   -- of the resource, which may not exist yet
    kind           text        NOT NULL,
    name           text        NOT NULL,
    effective_from timestamptz NOT NULL,
    spec           jsonb       NOT NULL,   -- without private fields
    private        jsonb       NOT NULL,
    managed_by     text        NOT NULL,
    scheduled_at   timestamptz NOT NULL,
    scheduled_by   text        NOT NULL,
    failure        text,                   -- why it did not come into force; NULL: it waits
    UNIQUE (kind, name, effective_from)
);
