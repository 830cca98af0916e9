-- Why: a storm lasts until it has been calm for a while, whichever node hears of what joins it.
-- timeout: 60s
ALTER TABLE triage.groups
    ADD COLUMN storm_until timestamptz,
    ADD COLUMN surge_at timestamptz,
    ADD COLUMN surge text[] NOT NULL DEFAULT '{}';
