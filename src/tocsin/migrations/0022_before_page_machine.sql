-- Why: urgency, snooze, hold, reassign; messages that wait, fold or leave together; taking turns.
ALTER TABLE oncall.pages
    ADD COLUMN urgency     text    NOT NULL DEFAULT 'high',
    ADD COLUMN waits_until timestamptz,          -- snoozed or held until then
    ADD COLUMN called_for  text    NOT NULL DEFAULT 'opened',
    ADD COLUMN moved_by    uuid,                 -- who snoozed, reassigned or handed it back
    ADD COLUMN assigned    jsonb,                -- called before the policy's first step
    ADD COLUMN routed      uuid,                 -- the policy it had before it was handed to another
    ADD COLUMN ticket      integer NOT NULL DEFAULT 0;

ALTER TABLE oncall.notifications
    ADD COLUMN due_at   timestamptz,             -- NULL: when it was queued
    ADD COLUMN urgency  text NOT NULL DEFAULT 'high',
    ADD COLUMN bundle   uuid,                    -- the message it left with; NULL: alone
    ADD COLUMN tried_at timestamptz;             -- when its last attempt began
-- what was told to one person lately: asked before each message that rings
CREATE INDEX notifications_told ON oncall.notifications (person_id, tried_at DESC)
    WHERE tried_at IS NOT NULL;
CREATE INDEX notifications_bundle ON oncall.notifications (bundle) WHERE bundle IS NOT NULL;

-- How many pages a policy has opened that has a step whose people take turns.
CREATE TABLE oncall.turns (
    policy_id uuid    PRIMARY KEY,
    count     integer NOT NULL
);
