-- Why: the watchdog asks for pages that nothing wakes, and need not read the 100,000 others.
CREATE VIEW oncall.unwitnessed AS
SELECT p.id
  FROM oncall.pages p
  LEFT JOIN kernel.jobs j
    ON j.subject = p.id AND j.epoch = p.epoch AND j.mode = 'timer' AND j.parked_at IS NULL
 WHERE p.state <> 'resolved' AND j.id IS NULL;
