-- Why: routes that go on and repeat, alerts ended by hand, groups that not everybody may see, search.
-- timeout: 60s
ALTER TABLE triage.groups
    ADD COLUMN routes          text[] NOT NULL DEFAULT '{}',
    ADD COLUMN policies        text[] NOT NULL DEFAULT '{}',
    ADD COLUMN repeat_at       timestamptz,
    ADD COLUMN visible_to      text[],              -- NULL: everyone
    ADD COLUMN incident_id     uuid,                -- fed by what incidents say, for lists
    ADD COLUMN incident_number bigint;
CREATE INDEX groups_open ON triage.groups (id) WHERE state IN ('waiting', 'active');
CREATE INDEX groups_restricted ON triage.groups (id) WHERE visible_to IS NOT NULL;

ALTER TABLE triage.alerts ADD COLUMN held_until timestamptz;

-- Words stand beside the alerts and are gathered behind the sorter: each refresh of an alert is a
-- new version of its row, and would be a new entry in an index over its words.
CREATE TABLE triage.alert_words (
    alert_id uuid     PRIMARY KEY,
    words    tsvector NOT NULL
);
CREATE INDEX alert_words_words ON triage.alert_words USING gin (words);

-- what was there before this migration
UPDATE triage.groups
   SET routes = ARRAY[route], policies = CASE urgency WHEN 'high' THEN ARRAY[policy] ELSE '{}' END;
UPDATE triage.groups g
   SET incident_id = i.id, incident_number = i.number
  FROM command.incident_groups c
  JOIN command.incidents i ON i.id = c.incident_id
 WHERE c.group_id = g.id;
INSERT INTO triage.alert_words (alert_id, words)
SELECT id, jsonb_to_tsvector('simple', labels, '["string"]')
           || jsonb_to_tsvector('simple', annotations, '["string"]')
  FROM triage.alerts
 ORDER BY id DESC
 LIMIT 100000;
