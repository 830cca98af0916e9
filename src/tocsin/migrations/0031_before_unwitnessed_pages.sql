-- Why: the watchdog asks for pages that nothing wakes, and need not read the 100,000 others.
CREATE VIEW oncall.unwitnessed AS
SELECT p.id
  FROM oncall.pages p
 WHERE p.state <> 'resolved'
   AND NOT EXISTS (
       SELECT FROM kernel.jobs j
        WHERE j.subject = p.id AND j.epoch = p.epoch
          AND j.mode = 'timer' AND j.parked_at IS NULL
   );
