-- Why: what became of an attempt after the provider took it.
ALTER TABLE oncall.attempts
    ADD COLUMN delivered_at timestamptz,     -- the provider says that it has arrived
    ADD COLUMN seen_at      timestamptz,     -- the call was taken, the message opened
    ADD COLUMN acked_at     timestamptz,     -- the person acknowledged by this very message
    ADD COLUMN failed_at    timestamptz,     -- taken by the provider, and then it did not arrive
    ADD COLUMN receipt      text NOT NULL DEFAULT '';  -- the provider's last word

-- messages that somebody may answer by telephone, or whose receipt has to be asked for
CREATE INDEX notifications_phone ON oncall.notifications (queued_at)
    WHERE kind IN ('sms', 'voice');
