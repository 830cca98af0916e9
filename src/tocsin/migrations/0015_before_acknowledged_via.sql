-- Why: a page that its alert's sender acknowledged says where that was, instead of "somebody with a token".
-- timeout: 60s
ALTER TABLE oncall.pages ADD COLUMN acknowledged_via text NOT NULL DEFAULT '';
ALTER TABLE command.incident_pages ADD COLUMN acknowledged_via text NOT NULL DEFAULT '';
