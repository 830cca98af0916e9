-- Why: what is done at leisure never stands in the way of a timer; its jobs have a mode of their own.
ALTER TABLE kernel.jobs
    DROP CONSTRAINT jobs_mode_check,
    ADD  CONSTRAINT jobs_mode_check CHECK (mode IN ('timer', 'errand', 'leisure'));
