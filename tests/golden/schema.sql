CREATE TABLE command.incident_groups (
    group_id uuid NOT NULL,
    incident_id uuid NOT NULL,
    CONSTRAINT incident_groups_pkey PRIMARY KEY (group_id),
    CONSTRAINT incident_groups_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES command.incidents(id)
);
CREATE INDEX incident_groups_incident ON command.incident_groups USING btree (incident_id);

CREATE TABLE command.incident_numbers (
    one boolean NOT NULL DEFAULT true,
    last bigint NOT NULL DEFAULT 0,
    CONSTRAINT incident_numbers_pkey PRIMARY KEY (one),
    CONSTRAINT incident_numbers_one_check CHECK (one)
);

CREATE TABLE command.incidents (
    id uuid NOT NULL,
    number bigint NOT NULL,
    title text NOT NULL,
    description text NOT NULL,
    status text NOT NULL,
    severity smallint,
    urgency text NOT NULL,
    policy text NOT NULL,
    labels jsonb NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    resolved_at timestamp with time zone,
    resolved_by text NOT NULL DEFAULT ''::text,
    CONSTRAINT incidents_number_key UNIQUE (number),
    CONSTRAINT incidents_pkey PRIMARY KEY (id)
);
CREATE INDEX incidents_open ON command.incidents USING btree (opened_at) WHERE (resolved_at IS NULL);
CREATE INDEX incidents_resolved ON command.incidents USING btree (resolved_at) WHERE (resolved_at IS NOT NULL);

CREATE TABLE command.responders (
    incident_id uuid NOT NULL,
    person_id uuid NOT NULL,
    joined_at timestamp with time zone NOT NULL,
    CONSTRAINT responders_pkey PRIMARY KEY (incident_id, person_id),
    CONSTRAINT responders_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES command.incidents(id)
);

CREATE TABLE governance.links (
    hash bytea NOT NULL,
    purpose text NOT NULL,
    person_id uuid,
    page_id uuid,
    role text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT links_pkey PRIMARY KEY (hash),
    CONSTRAINT links_purpose_check CHECK ((purpose = ANY (ARRAY['acknowledge'::text, 'sign-in'::text])))
);
CREATE INDEX links_expiry ON governance.links USING btree (expires_at);

CREATE TABLE governance.sessions (
    hash bytea NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    actor_id uuid NOT NULL,
    person_id uuid,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT sessions_pkey PRIMARY KEY (hash)
);

CREATE TABLE governance.tokens (
    id uuid NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    hash bytea NOT NULL,
    rate integer,
    created_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    CONSTRAINT tokens_hash_key UNIQUE (hash),
    CONSTRAINT tokens_name_key UNIQUE (name),
    CONSTRAINT tokens_pkey PRIMARY KEY (id)
);

CREATE TABLE kernel.intake_log (
    id uuid NOT NULL,
    stamp timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    ordinal integer NOT NULL,
    at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    subjects uuid[] NOT NULL,
    line text NOT NULL,
    CONSTRAINT intake_log_pkey PRIMARY KEY (id)
) WITH (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=5000);
CREATE INDEX intake_log_order ON kernel.intake_log USING btree (stamp, ordinal);

CREATE TABLE kernel.jobs (
    id uuid NOT NULL,
    kind text NOT NULL,
    mode text NOT NULL,
    body text NOT NULL,
    subject uuid,
    epoch integer NOT NULL DEFAULT 0,
    key text,
    due_at timestamp with time zone NOT NULL,
    leased_until timestamp with time zone,
    leased_by uuid,
    attempts integer NOT NULL DEFAULT 0,
    last_error text NOT NULL DEFAULT ''::text,
    parked_at timestamp with time zone,
    CONSTRAINT jobs_key_key UNIQUE (key),
    CONSTRAINT jobs_pkey PRIMARY KEY (id),
    CONSTRAINT jobs_mode_check CHECK ((mode = ANY (ARRAY['timer'::text, 'errand'::text])))
) WITH (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=5000);
CREATE INDEX jobs_due ON kernel.jobs USING btree (mode, due_at) WHERE (parked_at IS NULL);
CREATE INDEX jobs_subject ON kernel.jobs USING btree (subject) WHERE (subject IS NOT NULL);

CREATE TABLE kernel.log (
    seq bigint NOT NULL,
    id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    subjects uuid[] NOT NULL,
    line text NOT NULL,
    leaf bytea NOT NULL,
    CONSTRAINT log_id_key UNIQUE (id),
    CONSTRAINT log_pkey PRIMARY KEY (seq)
);
CREATE INDEX log_subjects ON kernel.log USING gin (subjects);

CREATE TABLE kernel.log_head (
    one boolean NOT NULL DEFAULT true,
    size bigint NOT NULL DEFAULT 0,
    CONSTRAINT log_head_pkey PRIMARY KEY (one),
    CONSTRAINT log_head_one_check CHECK (one)
);

CREATE TABLE kernel.migrations (
    number integer NOT NULL,
    phase text NOT NULL,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT migrations_pkey PRIMARY KEY (number)
);

CREATE TABLE kernel.parked (
    id uuid NOT NULL,
    reaction text NOT NULL,
    event_id uuid NOT NULL,
    event text NOT NULL,
    error text NOT NULL,
    attempts integer NOT NULL DEFAULT 1,
    parked_at timestamp with time zone NOT NULL,
    CONSTRAINT parked_pkey PRIMARY KEY (id)
);

CREATE TABLE kernel.resource_private (
    uid uuid NOT NULL,
    fields jsonb NOT NULL,
    CONSTRAINT resource_private_pkey PRIMARY KEY (uid),
    CONSTRAINT resource_private_uid_fkey FOREIGN KEY (uid) REFERENCES kernel.resources(uid)
);

CREATE TABLE kernel.resource_versions (
    uid uuid NOT NULL,
    version integer NOT NULL,
    revision bigint NOT NULL,
    spec jsonb NOT NULL,
    deleted boolean NOT NULL DEFAULT false,
    effective_from timestamp with time zone NOT NULL,
    CONSTRAINT resource_versions_pkey PRIMARY KEY (uid, version),
    CONSTRAINT resource_versions_revision_fkey FOREIGN KEY (revision) REFERENCES kernel.revisions(revision),
    CONSTRAINT resource_versions_uid_fkey FOREIGN KEY (uid) REFERENCES kernel.resources(uid)
);

CREATE TABLE kernel.resources (
    uid uuid NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    version integer NOT NULL,
    spec jsonb NOT NULL,
    managed_by text NOT NULL,
    deleted boolean NOT NULL DEFAULT false,
    CONSTRAINT resources_kind_name_key UNIQUE (kind, name),
    CONSTRAINT resources_pkey PRIMARY KEY (uid)
);

CREATE TABLE kernel.revisions (
    revision bigint NOT NULL,
    applied_at timestamp with time zone NOT NULL,
    applied_by text NOT NULL,
    CONSTRAINT revisions_pkey PRIMARY KEY (revision)
);

CREATE TABLE oncall.attempts (
    notification_id uuid NOT NULL,
    number integer NOT NULL,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    outcome text,
    provider_id text NOT NULL DEFAULT ''::text,
    error text NOT NULL DEFAULT ''::text,
    CONSTRAINT attempts_pkey PRIMARY KEY (notification_id, number),
    CONSTRAINT attempts_notification_id_fkey FOREIGN KEY (notification_id) REFERENCES oncall.notifications(id)
);

CREATE TABLE oncall.notifications (
    id uuid NOT NULL,
    page_id uuid NOT NULL,
    epoch integer NOT NULL,
    loop integer NOT NULL,
    step integer NOT NULL,
    catch integer NOT NULL,
    person_id uuid NOT NULL,
    rule integer NOT NULL,
    method integer NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    attempt_count integer NOT NULL DEFAULT 0,
    queued_at timestamp with time zone NOT NULL,
    CONSTRAINT notifications_page_id_epoch_loop_step_catch_person_id_rule__key UNIQUE (page_id, epoch, loop, step, catch, person_id, rule, method),
    CONSTRAINT notifications_pkey PRIMARY KEY (id),
    CONSTRAINT notifications_page_id_fkey FOREIGN KEY (page_id) REFERENCES oncall.pages(id)
);

CREATE TABLE oncall.pages (
    id uuid NOT NULL,
    incident_id uuid NOT NULL,
    policy_id uuid NOT NULL,
    state text NOT NULL,
    epoch integer NOT NULL,
    step integer NOT NULL,
    loop integer NOT NULL,
    catch integer NOT NULL,
    retriggers integer NOT NULL,
    unpageable boolean NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    acknowledged_by uuid,
    acknowledged_at timestamp with time zone,
    resolved_at timestamp with time zone,
    brief jsonb NOT NULL,
    CONSTRAINT pages_pkey PRIMARY KEY (id)
);
CREATE INDEX pages_incident ON oncall.pages USING btree (incident_id);
CREATE INDEX pages_open ON oncall.pages USING btree (opened_at) WHERE (state <> 'resolved'::text);

CREATE TABLE signals.inbox (
    lane smallint NOT NULL,
    id uuid NOT NULL,
    received_at timestamp with time zone NOT NULL,
    actor_id uuid NOT NULL,
    integration text NOT NULL,
    format text NOT NULL,
    body bytea NOT NULL STORAGE e,
    CONSTRAINT inbox_pkey PRIMARY KEY (lane, id)
) WITH (toast_tuple_target=8160, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=20000, autovacuum_vacuum_cost_delay=0);

CREATE TABLE signals.lanes (
    lane smallint NOT NULL,
    CONSTRAINT lanes_pkey PRIMARY KEY (lane)
);

CREATE TABLE signals.receipts (
    id uuid NOT NULL,
    lane smallint NOT NULL,
    received_at timestamp with time zone NOT NULL,
    actor_id uuid NOT NULL,
    integration text NOT NULL,
    format text NOT NULL,
    body bytea NOT NULL
) PARTITION BY RANGE (received_at);

CREATE TABLE signals.unsortable (
    id uuid NOT NULL,
    received_at timestamp with time zone NOT NULL,
    integration text NOT NULL,
    format text NOT NULL,
    body bytea NOT NULL,
    error text NOT NULL,
    CONSTRAINT unsortable_pkey PRIMARY KEY (id)
);

CREATE TABLE triage.alerts (
    id uuid NOT NULL,
    dedup_key bytea NOT NULL,
    state text NOT NULL,
    labels jsonb NOT NULL,
    annotations jsonb NOT NULL,
    source_url text NOT NULL,
    integration text NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    ends_by_timeout boolean NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    group_id uuid,
    seen_count integer NOT NULL,
    fired_count integer NOT NULL,
    urgency text NOT NULL,
    reasons text[] NOT NULL,
    CONSTRAINT alerts_dedup_key_key UNIQUE (dedup_key),
    CONSTRAINT alerts_pkey PRIMARY KEY (id)
) WITH (fillfactor=85, autovacuum_vacuum_scale_factor=0.05);
CREATE INDEX alerts_ends ON triage.alerts USING btree (ends_at) WHERE (state = 'firing'::text);
CREATE INDEX alerts_group ON triage.alerts USING btree (group_id);

CREATE TABLE triage.groups (
    id uuid NOT NULL,
    key text NOT NULL,
    state text NOT NULL,
    labels jsonb NOT NULL,
    title text NOT NULL,
    summary text NOT NULL,
    integration text NOT NULL,
    route text NOT NULL,
    policy text NOT NULL,
    urgency text NOT NULL,
    firing_count integer NOT NULL,
    alert_count integer NOT NULL,
    noted_count integer NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone,
    cleared_at timestamp with time zone,
    storm boolean NOT NULL,
    CONSTRAINT groups_pkey PRIMARY KEY (id)
);
CREATE INDEX groups_opened ON triage.groups USING btree (opened_at);
CREATE UNIQUE INDEX groups_live ON triage.groups USING btree (key) WHERE (state <> 'ended'::text);
