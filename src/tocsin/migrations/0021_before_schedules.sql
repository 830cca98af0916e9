-- Why: edits of schedules that move no shift, overrides and swaps, leave, calendars by token, notices.
CREATE TABLE oncall.schedule_versions (
    schedule_id uuid        NOT NULL,
    slot        text        NOT NULL,
    ordinal     integer     NOT NULL,         -- by instant, from 0
    since       timestamptz,                  -- NULL: from the beginning
    layers      jsonb       NOT NULL,         -- compiled and anchored
    PRIMARY KEY (schedule_id, slot, ordinal)
);

CREATE TABLE oncall.overrides (
    id          uuid        PRIMARY KEY,
    kind        text        NOT NULL CHECK (kind IN ('cover', 'replace', 'remove', 'temporary', 'leave')),
    schedule_id uuid,                         -- NULL: every schedule
    slot        text,                         -- NULL: every slot
    person_id   uuid,
    replaced_id uuid,
    start_at    timestamptz NOT NULL,
    end_at      timestamptz NOT NULL CHECK (end_at >= start_at),
    shifts      jsonb       NOT NULL DEFAULT '[]',
    author      text        NOT NULL,         -- kind:id
    reason      text        NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL
);
CREATE INDEX overrides_end ON oncall.overrides (end_at);
CREATE INDEX overrides_schedule ON oncall.overrides (schedule_id, end_at);

-- A swap is bound to turns, not to instants: when a handoff moves, it moves along.
CREATE TABLE oncall.swaps (
    id          uuid        PRIMARY KEY,
    state       text        NOT NULL CHECK (state IN ('requested', 'accepted', 'declined', 'withdrawn')),
    schedule_id uuid        NOT NULL,
    layer       text        NOT NULL,
    turn        integer     NOT NULL,
    asker_id    uuid        NOT NULL,
    partner_id  uuid        NOT NULL,
    back_schedule_id uuid,                    -- what the asker takes in return; NULL: nothing
    back_layer  text        NOT NULL DEFAULT '',
    back_turn   integer     NOT NULL DEFAULT 0,
    reason      text        NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL,
    decided_at  timestamptz,
    author      text        NOT NULL,
    decided_by  text        NOT NULL DEFAULT ''
);
CREATE INDEX swaps_schedule ON oncall.swaps (schedule_id);
CREATE INDEX swaps_people ON oncall.swaps (partner_id, asker_id);

-- Who has the token may read this calendar; kept by hash, so that a backup opens none.
CREATE TABLE oncall.calendar_feeds (
    id         uuid        PRIMARY KEY,
    token_hash bytea       NOT NULL UNIQUE,
    kind       text        NOT NULL CHECK (kind IN ('person', 'schedule', 'team')),
    person_id  uuid,
    name       text        NOT NULL DEFAULT '',   -- of the schedule, or of the team
    owner_id   uuid,                          -- who made it; theirs to revoke
    author     text        NOT NULL,
    created_at timestamptz NOT NULL,
    used_at    timestamptz
);

-- What each schedule promised by the zones of one release: compared when another one is installed.
CREATE TABLE oncall.zone_promises (
    schedule_id uuid        PRIMARY KEY,
    release     text        NOT NULL,
    digest      text        NOT NULL,         -- of what decides: after an edit nothing is compared
    made_at     timestamptz NOT NULL,
    shifts      jsonb       NOT NULL          -- slot, people, start and end in seconds since 1970
);

-- What is worth a low-key message: a shift that has moved, a swap that somebody asks for.
CREATE TABLE oncall.notices (
    id          uuid        PRIMARY KEY,
    person_id   uuid        NOT NULL,
    title       text        NOT NULL,
    body        text        NOT NULL,
    link        text        NOT NULL DEFAULT '',
    made_at     timestamptz NOT NULL,
    kind        text        NOT NULL DEFAULT '',  -- by what it was sent; '': not yet
    outcome     text,                         -- sent, transient, permanent; NULL: not known
    error       text        NOT NULL DEFAULT '',
    seen_at     timestamptz
);
CREATE INDEX notices_person ON oncall.notices (person_id, made_at DESC);
