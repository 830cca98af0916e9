-- Why: layers whose shifts are read from other calendars; what changed in ours is numbered (RFC 5545 SEQUENCE).
CREATE TABLE oncall.calendar_layers (
    schedule_id   uuid        NOT NULL,
    layer         text        NOT NULL,
    url           text        NOT NULL,         -- that was read last
    zone          text        NOT NULL,         -- by whose clocks it was expanded
    due_at        timestamptz NOT NULL,         -- of the next reading
    read_at       timestamptz,                  -- of the last good one; NULL: none yet
    expanded_at   timestamptz,                  -- of the last one that brought a text
    failing_since timestamptz,                  -- NULL: the last one was good
    error         text        NOT NULL DEFAULT '',
    etag          text        NOT NULL DEFAULT '',
    modified      text        NOT NULL DEFAULT '',
    unknown       jsonb       NOT NULL DEFAULT '[]',  -- events whose people nobody here is
    left_out      jsonb       NOT NULL DEFAULT '[]',  -- rules that match too rarely, or never
    PRIMARY KEY (schedule_id, layer)
);

CREATE TABLE oncall.calendar_shifts (
    schedule_id uuid        NOT NULL,
    layer       text        NOT NULL,
    start_at    timestamptz NOT NULL,
    end_at      timestamptz NOT NULL CHECK (end_at > start_at),
    people      uuid[]      NOT NULL,
    PRIMARY KEY (schedule_id, layer, start_at)
);
CREATE INDEX calendar_shifts_end ON oncall.calendar_shifts (end_at);

ALTER TABLE oncall.calendar_feeds
    ADD COLUMN sequence   integer     NOT NULL DEFAULT 0,
    ADD COLUMN digest     text        NOT NULL DEFAULT '',  -- of what it said last
    ADD COLUMN changed_at timestamptz;                      -- NULL: it has said nothing yet
