-- Why: a group that its sender acknowledges while it waits calls nobody when the wait is over.
-- timeout: 60s
ALTER TABLE triage.groups ADD COLUMN taken_by text NOT NULL DEFAULT '';
