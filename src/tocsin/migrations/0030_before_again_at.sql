-- Why: a rung whose people all wait for providers that are left alone goes on at once.
ALTER TABLE oncall.notifications
    ADD COLUMN again_at timestamptz;  -- of the next attempt of a message that is queued again
