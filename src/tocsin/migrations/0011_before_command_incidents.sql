-- Why: what people do with incidents by hand, who may see them, and one projection for lists.
ALTER TABLE command.incidents
    ADD COLUMN priority    text,
    ADD COLUMN opened_by   text     NOT NULL DEFAULT 'alerts',   -- or 'person': alerts do not end it
    ADD COLUMN team        text,
    ADD COLUMN services    jsonb    NOT NULL DEFAULT '[]',
    ADD COLUMN visible_to  text[],                               -- NULL: everyone
    ADD COLUMN merged_into uuid     REFERENCES command.incidents (id),
    ADD COLUMN version     integer  NOT NULL DEFAULT 1,
    ADD COLUMN words       tsvector NOT NULL GENERATED ALWAYS AS (
        setweight(to_tsvector('simple', title), 'A')
        || to_tsvector('simple', description)
        || jsonb_to_tsvector('simple', labels, '["key", "string"]')
        || jsonb_to_tsvector('simple', services, '["string"]')
    ) STORED;
CREATE INDEX incidents_words ON command.incidents USING gin (words);
CREATE INDEX incidents_list ON command.incidents (opened_at, id);
CREATE INDEX incidents_merged ON command.incidents (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX incidents_restricted ON command.incidents (id) WHERE visible_to IS NOT NULL;

-- fed by what triage counts, so that a list asks nobody else
ALTER TABLE command.incident_groups
    ADD COLUMN alert_count  integer NOT NULL DEFAULT 0,
    ADD COLUMN firing_count integer NOT NULL DEFAULT 0;

-- fed by what happens to pages, so that a list asks nobody else
CREATE TABLE command.incident_pages (
    page_id         uuid    PRIMARY KEY,
    incident_id     uuid    NOT NULL,      -- no reference: whoever locks a page locks no incident
    policy          text    NOT NULL,
    state           text    NOT NULL,      -- 'calling', 'acknowledged' or 'resolved'
    acknowledged_by uuid,
    unpageable      boolean NOT NULL DEFAULT false
);
CREATE INDEX incident_pages_incident ON command.incident_pages (incident_id);

-- the log holds a salted digest of each text: with the row the text is gone, and cannot be guessed
CREATE TABLE command.notes (
    id          uuid        PRIMARY KEY,
    incident_id uuid        NOT NULL REFERENCES command.incidents (id),
    at          timestamptz NOT NULL,
    actor       text        NOT NULL,      -- kind:id, as in the log
    person_id   uuid,
    text        text        NOT NULL CHECK (length(text) <= 10000),
    salt        bytea       NOT NULL,
    words       tsvector    NOT NULL GENERATED ALWAYS AS (to_tsvector('simple', text)) STORED
);
CREATE INDEX notes_incident ON command.notes (incident_id, at);
CREATE INDEX notes_words ON command.notes USING gin (words);

CREATE TABLE command.links (
    id          uuid        PRIMARY KEY,
    incident_id uuid        NOT NULL REFERENCES command.incidents (id),
    url         text        NOT NULL CHECK (length(url) <= 2000),
    title       text        NOT NULL CHECK (length(title) <= 200),
    added_at    timestamptz NOT NULL,
    person_id   uuid,
    UNIQUE (incident_id, url)
);

-- each pair once, the smaller id first
CREATE TABLE command.relations (
    low_id     uuid        NOT NULL REFERENCES command.incidents (id),
    high_id    uuid        NOT NULL REFERENCES command.incidents (id),
    related_at timestamptz NOT NULL,
    PRIMARY KEY (low_id, high_id),
    CHECK (low_id < high_id)
);
CREATE INDEX relations_high ON command.relations (high_id);

-- what was there before this migration
INSERT INTO command.incident_pages (page_id, incident_id, policy, state, acknowledged_by, unpageable)
SELECT p.id, p.incident_id, '',
       CASE p.state WHEN 'acknowledged' THEN 'acknowledged' WHEN 'resolved' THEN 'resolved'
            ELSE 'calling' END,
       p.acknowledged_by, p.unpageable
  FROM oncall.pages p
  JOIN command.incidents i ON i.id = p.incident_id;
UPDATE command.incident_groups c
   SET alert_count = g.alert_count, firing_count = g.firing_count
  FROM triage.groups g
 WHERE g.id = c.group_id;
