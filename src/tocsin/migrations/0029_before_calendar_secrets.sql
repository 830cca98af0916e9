-- Why: who knows a calendar's address can read it: no history keeps one; a shift that moves stays the same shift.

-- The number by which swaps call it; NULL: it was read before there were any, and goes by its start.
ALTER TABLE oncall.calendar_shifts ADD COLUMN turn integer;

INSERT INTO kernel.resource_private (uid, fields)
SELECT uid, jsonb_build_object('layers', spec -> 'layers')
  FROM kernel.resources
 WHERE kind = 'Schedule' AND NOT deleted AND spec @? '$.layers[*].calendar.url'
    ON CONFLICT (uid) DO UPDATE SET fields = excluded.fields;

UPDATE kernel.resource_scheduled
   SET private = jsonb_build_object('layers', spec -> 'layers')
 WHERE kind = 'Schedule' AND spec @? '$.layers[*].calendar.url';

UPDATE kernel.resources
   SET spec = jsonb_set(spec, '{layers}', (
       SELECT jsonb_agg(
                  CASE WHEN layer @? '$.calendar.url'
                       THEN jsonb_set(layer, '{calendar,url}', to_jsonb(regexp_replace(
                                layer #>> '{calendar,url}', '^([a-z]+://)([^/?#]*).*$', '\1\2/…')))
                       ELSE layer
                  END ORDER BY place)
         FROM jsonb_array_elements(spec -> 'layers') WITH ORDINALITY AS l(layer, place)))
 WHERE kind = 'Schedule' AND spec @? '$.layers[*].calendar.url';

UPDATE kernel.resource_versions
   SET spec = jsonb_set(spec, '{layers}', (
       SELECT jsonb_agg(
                  CASE WHEN layer @? '$.calendar.url'
                       THEN jsonb_set(layer, '{calendar,url}', to_jsonb(regexp_replace(
                                layer #>> '{calendar,url}', '^([a-z]+://)([^/?#]*).*$', '\1\2/…')))
                       ELSE layer
                  END ORDER BY place)
         FROM jsonb_array_elements(spec -> 'layers') WITH ORDINALITY AS l(layer, place)))
 WHERE spec @? '$.layers[*].calendar.url'
   AND uid IN (SELECT uid FROM kernel.resources WHERE kind = 'Schedule');

UPDATE kernel.resource_scheduled
   SET spec = jsonb_set(spec, '{layers}', (
       SELECT jsonb_agg(
                  CASE WHEN layer @? '$.calendar.url'
                       THEN jsonb_set(layer, '{calendar,url}', to_jsonb(regexp_replace(
                                layer #>> '{calendar,url}', '^([a-z]+://)([^/?#]*).*$', '\1\2/…')))
                       ELSE layer
                  END ORDER BY place)
         FROM jsonb_array_elements(spec -> 'layers') WITH ORDINALITY AS l(layer, place)))
 WHERE kind = 'Schedule' AND spec @? '$.layers[*].calendar.url';

-- What a layer followed is known by its digest (core/schedule/subscribed.py: source_of).
UPDATE oncall.schedule_versions
   SET layers = (
       SELECT jsonb_agg(
                  CASE WHEN layer ->> 'source' LIKE '%://%'
                       THEN jsonb_set(layer, '{source}', to_jsonb(left(encode(sha256(
                                convert_to(layer ->> 'source', 'UTF8')), 'hex'), 32)))
                       ELSE layer
                  END ORDER BY place)
         FROM jsonb_array_elements(layers) WITH ORDINALITY AS l(layer, place))
 WHERE layers @? '$[*].source ? (@ like_regex "://")';
