-- Why: what the last nightly check of all paths found, and which of them an alert of our own is about.

CREATE TABLE oncall.assurance (
    only_row   boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    checked_at timestamptz NOT NULL,
    found      jsonb       NOT NULL,        -- oncall/core/assurance/verdicts.py: Assurance; ids, no names
    alarmed    jsonb       NOT NULL         -- keys of the paths that were proven, and are not any more
);
