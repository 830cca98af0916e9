-- Why: whoever sends little is sorted first, however much another sender has waiting.
CREATE INDEX inbox_by_integration ON signals.inbox (integration, id);
