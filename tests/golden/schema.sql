CREATE TABLE command.incident_groups (
    group_id uuid NOT NULL,
    incident_id uuid NOT NULL,
    alert_count integer NOT NULL DEFAULT 0,
    firing_count integer NOT NULL DEFAULT 0,
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

CREATE TABLE command.incident_pages (
    page_id uuid NOT NULL,
    incident_id uuid NOT NULL,
    policy text NOT NULL,
    state text NOT NULL,
    acknowledged_by uuid,
    unpageable boolean NOT NULL DEFAULT false,
    acknowledged_via text NOT NULL DEFAULT ''::text,
    CONSTRAINT incident_pages_pkey PRIMARY KEY (page_id)
);
CREATE INDEX incident_pages_incident ON command.incident_pages USING btree (incident_id);

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
    priority text,
    opened_by text NOT NULL DEFAULT 'alerts'::text,
    team text,
    services jsonb NOT NULL DEFAULT '[]'::jsonb,
    visible_to text[],
    merged_into uuid,
    version integer NOT NULL DEFAULT 1,
    words tsvector NOT NULL DEFAULT (((setweight(to_tsvector('simple'::regconfig, title), 'A'::"char") || to_tsvector('simple'::regconfig, description)) || jsonb_to_tsvector('simple'::regconfig, labels, '["key", "string"]'::jsonb)) || jsonb_to_tsvector('simple'::regconfig, services, '["string"]'::jsonb)),
    CONSTRAINT incidents_number_key UNIQUE (number),
    CONSTRAINT incidents_pkey PRIMARY KEY (id),
    CONSTRAINT incidents_merged_into_fkey FOREIGN KEY (merged_into) REFERENCES command.incidents(id)
);
CREATE INDEX incidents_list ON command.incidents USING btree (opened_at, id);
CREATE INDEX incidents_merged ON command.incidents USING btree (merged_into) WHERE (merged_into IS NOT NULL);
CREATE INDEX incidents_open ON command.incidents USING btree (opened_at) WHERE (resolved_at IS NULL);
CREATE INDEX incidents_resolved ON command.incidents USING btree (resolved_at) WHERE (resolved_at IS NOT NULL);
CREATE INDEX incidents_restricted ON command.incidents USING btree (id) WHERE (visible_to IS NOT NULL);
CREATE INDEX incidents_words ON command.incidents USING gin (words);

CREATE TABLE command.links (
    id uuid NOT NULL,
    incident_id uuid NOT NULL,
    url text NOT NULL,
    title text NOT NULL,
    added_at timestamp with time zone NOT NULL,
    person_id uuid,
    CONSTRAINT links_incident_id_url_key UNIQUE (incident_id, url),
    CONSTRAINT links_pkey PRIMARY KEY (id),
    CONSTRAINT links_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES command.incidents(id),
    CONSTRAINT links_title_check CHECK ((length(title) <= 200)),
    CONSTRAINT links_url_check CHECK ((length(url) <= 2000))
);

CREATE TABLE command.notes (
    id uuid NOT NULL,
    incident_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    person_id uuid,
    text text NOT NULL,
    salt bytea NOT NULL,
    words tsvector NOT NULL DEFAULT to_tsvector('simple'::regconfig, text),
    CONSTRAINT notes_pkey PRIMARY KEY (id),
    CONSTRAINT notes_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES command.incidents(id),
    CONSTRAINT notes_text_check CHECK ((length(text) <= 10000))
);
CREATE INDEX notes_incident ON command.notes USING btree (incident_id, at);
CREATE INDEX notes_words ON command.notes USING gin (words);

CREATE TABLE command.relations (
    low_id uuid NOT NULL,
    high_id uuid NOT NULL,
    related_at timestamp with time zone NOT NULL,
    CONSTRAINT relations_pkey PRIMARY KEY (low_id, high_id),
    CONSTRAINT relations_high_id_fkey FOREIGN KEY (high_id) REFERENCES command.incidents(id),
    CONSTRAINT relations_low_id_fkey FOREIGN KEY (low_id) REFERENCES command.incidents(id),
    CONSTRAINT relations_check CHECK ((low_id < high_id))
);
CREATE INDEX relations_high ON command.relations USING btree (high_id);

CREATE TABLE command.responders (
    incident_id uuid NOT NULL,
    person_id uuid NOT NULL,
    joined_at timestamp with time zone NOT NULL,
    CONSTRAINT responders_pkey PRIMARY KEY (incident_id, person_id),
    CONSTRAINT responders_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES command.incidents(id)
);

CREATE TABLE governance.last_backup (
    one boolean NOT NULL DEFAULT true,
    taken_at timestamp with time zone NOT NULL,
    row_count bigint NOT NULL,
    bytes bigint NOT NULL,
    CONSTRAINT last_backup_pkey PRIMARY KEY (one),
    CONSTRAINT last_backup_one_check CHECK (one)
);

CREATE TABLE governance.limits (
    key bytea NOT NULL,
    tat timestamp with time zone NOT NULL,
    CONSTRAINT limits_pkey PRIMARY KEY (key)
);
CREATE INDEX limits_tat ON governance.limits USING btree (tat);

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
    CONSTRAINT links_purpose_check CHECK ((purpose = ANY (ARRAY['acknowledge'::text, 'sign-in'::text, 'invite'::text, 'reset'::text])))
);
CREATE INDEX links_expiry ON governance.links USING btree (expires_at);
CREATE INDEX links_person ON governance.links USING btree (person_id) WHERE (purpose = ANY (ARRAY['invite'::text, 'reset'::text]));

CREATE TABLE governance.log_level (
    one boolean NOT NULL DEFAULT true,
    level text NOT NULL,
    until timestamp with time zone NOT NULL,
    CONSTRAINT log_level_pkey PRIMARY KEY (one),
    CONSTRAINT log_level_one_check CHECK (one)
);

CREATE TABLE governance.sessions (
    hash bytea NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    actor_id uuid NOT NULL,
    person_id uuid,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    last_seen_at timestamp with time zone,
    browser text NOT NULL DEFAULT ''::text,
    CONSTRAINT sessions_id_key UNIQUE (id),
    CONSTRAINT sessions_pkey PRIMARY KEY (hash)
);
CREATE INDEX sessions_actor ON governance.sessions USING btree (actor_id);

CREATE TABLE governance.tokens (
    id uuid NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    hash bytea NOT NULL,
    rate integer,
    created_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    expires_at timestamp with time zone,
    last_used_at timestamp with time zone,
    person_id uuid,
    teams text[],
    integration text,
    CONSTRAINT tokens_hash_key UNIQUE (hash),
    CONSTRAINT tokens_name_key UNIQUE (name),
    CONSTRAINT tokens_pkey PRIMARY KEY (id)
);
CREATE INDEX tokens_person ON governance.tokens USING btree (person_id) WHERE (person_id IS NOT NULL);

CREATE TABLE governance.users (
    person_id uuid NOT NULL,
    role text NOT NULL,
    password text,
    created_at timestamp with time zone NOT NULL,
    password_at timestamp with time zone,
    signed_in_at timestamp with time zone,
    disabled_at timestamp with time zone,
    CONSTRAINT users_pkey PRIMARY KEY (person_id)
);

CREATE TABLE kernel.answers (
    actor_id uuid NOT NULL,
    key text NOT NULL,
    request bytea NOT NULL,
    status smallint,
    headers jsonb,
    body bytea,
    kept_at timestamp with time zone NOT NULL,
    CONSTRAINT answers_pkey PRIMARY KEY (actor_id, key)
);
CREATE INDEX answers_kept ON kernel.answers USING btree (kept_at);

CREATE TABLE kernel.held_jobs (
    kind text NOT NULL,
    held_at timestamp with time zone NOT NULL,
    reason text NOT NULL,
    CONSTRAINT held_jobs_pkey PRIMARY KEY (kind)
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
    CONSTRAINT jobs_mode_check CHECK ((mode = ANY (ARRAY['timer'::text, 'errand'::text, 'leisure'::text])))
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

CREATE TABLE kernel.resource_scheduled (
    id uuid NOT NULL,
    batch uuid NOT NULL,
    uid uuid NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    effective_from timestamp with time zone NOT NULL,
    spec jsonb NOT NULL,
    private jsonb NOT NULL,
    managed_by text NOT NULL,
    scheduled_at timestamp with time zone NOT NULL,
    scheduled_by text NOT NULL,
    failure text,
    CONSTRAINT resource_scheduled_kind_name_effective_from_key UNIQUE (kind, name, effective_from),
    CONSTRAINT resource_scheduled_pkey PRIMARY KEY (id)
);

CREATE TABLE kernel.resource_versions (
    uid uuid NOT NULL,
    version integer NOT NULL,
    revision bigint NOT NULL,
    spec jsonb NOT NULL,
    deleted boolean NOT NULL DEFAULT false,
    effective_from timestamp with time zone NOT NULL,
    managed_by text NOT NULL DEFAULT 'file'::text,
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

CREATE TABLE oncall.assurance (
    only_row boolean NOT NULL DEFAULT true,
    checked_at timestamp with time zone NOT NULL,
    found jsonb NOT NULL,
    alarmed jsonb NOT NULL,
    CONSTRAINT assurance_pkey PRIMARY KEY (only_row),
    CONSTRAINT assurance_only_row_check CHECK (only_row)
);

CREATE TABLE oncall.attempts (
    notification_id uuid NOT NULL,
    number integer NOT NULL,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    outcome text,
    provider_id text NOT NULL DEFAULT ''::text,
    error text NOT NULL DEFAULT ''::text,
    show text NOT NULL DEFAULT ''::text,
    delivered_at timestamp with time zone,
    seen_at timestamp with time zone,
    acked_at timestamp with time zone,
    failed_at timestamp with time zone,
    receipt text NOT NULL DEFAULT ''::text,
    CONSTRAINT attempts_pkey PRIMARY KEY (notification_id, number),
    CONSTRAINT attempts_notification_id_fkey FOREIGN KEY (notification_id) REFERENCES oncall.notifications(id)
);
CREATE INDEX attempts_provider ON oncall.attempts USING btree (provider_id) WHERE (provider_id <> ''::text);

CREATE TABLE oncall.calendar_feeds (
    id uuid NOT NULL,
    token_hash bytea NOT NULL,
    kind text NOT NULL,
    person_id uuid,
    name text NOT NULL DEFAULT ''::text,
    owner_id uuid,
    author text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    sequence integer NOT NULL DEFAULT 0,
    digest text NOT NULL DEFAULT ''::text,
    changed_at timestamp with time zone,
    CONSTRAINT calendar_feeds_token_hash_key UNIQUE (token_hash),
    CONSTRAINT calendar_feeds_pkey PRIMARY KEY (id),
    CONSTRAINT calendar_feeds_kind_check CHECK ((kind = ANY (ARRAY['person'::text, 'schedule'::text, 'team'::text])))
);

CREATE TABLE oncall.calendar_layers (
    schedule_id uuid NOT NULL,
    layer text NOT NULL,
    url text NOT NULL,
    zone text NOT NULL,
    due_at timestamp with time zone NOT NULL,
    read_at timestamp with time zone,
    expanded_at timestamp with time zone,
    failing_since timestamp with time zone,
    error text NOT NULL DEFAULT ''::text,
    etag text NOT NULL DEFAULT ''::text,
    modified text NOT NULL DEFAULT ''::text,
    unknown jsonb NOT NULL DEFAULT '[]'::jsonb,
    left_out jsonb NOT NULL DEFAULT '[]'::jsonb,
    CONSTRAINT calendar_layers_pkey PRIMARY KEY (schedule_id, layer)
);

CREATE TABLE oncall.calendar_shifts (
    schedule_id uuid NOT NULL,
    layer text NOT NULL,
    start_at timestamp with time zone NOT NULL,
    end_at timestamp with time zone NOT NULL,
    people uuid[] NOT NULL,
    turn integer,
    CONSTRAINT calendar_shifts_pkey PRIMARY KEY (schedule_id, layer, start_at),
    CONSTRAINT calendar_shifts_check CHECK ((end_at > start_at))
);
CREATE INDEX calendar_shifts_end ON oncall.calendar_shifts USING btree (end_at);

CREATE TABLE oncall.contact_codes (
    id uuid NOT NULL,
    person_id uuid NOT NULL,
    fingerprint text NOT NULL,
    kind text NOT NULL,
    hash text NOT NULL,
    sent_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    tries_left integer NOT NULL,
    outcome text,
    error text NOT NULL DEFAULT ''::text,
    used_at timestamp with time zone,
    CONSTRAINT contact_codes_pkey PRIMARY KEY (id)
);
CREATE INDEX contact_codes_person ON oncall.contact_codes USING btree (person_id, sent_at DESC);

CREATE TABLE oncall.contact_states (
    person_id uuid NOT NULL,
    fingerprint text NOT NULL,
    kind text NOT NULL,
    verified_at timestamp with time zone,
    verified_by text NOT NULL DEFAULT ''::text,
    sent_at timestamp with time zone,
    received_at timestamp with time zone,
    failed_at timestamp with time zone,
    error text NOT NULL DEFAULT ''::text,
    dropped_at timestamp with time zone,
    CONSTRAINT contact_states_pkey PRIMARY KEY (person_id, fingerprint)
);
CREATE INDEX contact_states_address ON oncall.contact_states USING btree (fingerprint) WHERE (verified_at IS NOT NULL);

CREATE TABLE oncall.contact_tests (
    id uuid NOT NULL,
    person_id uuid NOT NULL,
    method integer NOT NULL,
    kind text NOT NULL,
    show text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    outcome text,
    provider_id text NOT NULL DEFAULT ''::text,
    error text NOT NULL DEFAULT ''::text,
    seen_at timestamp with time zone,
    fingerprint text NOT NULL DEFAULT ''::text,
    CONSTRAINT contact_tests_pkey PRIMARY KEY (id)
);
CREATE INDEX contact_tests_person ON oncall.contact_tests USING btree (person_id, started_at DESC);

CREATE TABLE oncall.heard (
    source text NOT NULL,
    message text NOT NULL,
    heard_at timestamp with time zone NOT NULL,
    CONSTRAINT heard_pkey PRIMARY KEY (source, message)
);
CREATE INDEX heard_at ON oncall.heard USING btree (heard_at);

CREATE TABLE oncall.listeners (
    name text NOT NULL,
    holder uuid,
    leased_until timestamp with time zone,
    position text NOT NULL DEFAULT ''::text,
    connected_at timestamp with time zone,
    error text NOT NULL DEFAULT ''::text,
    changed_at timestamp with time zone NOT NULL,
    CONSTRAINT listeners_pkey PRIMARY KEY (name)
);

CREATE TABLE oncall.notices (
    id uuid NOT NULL,
    person_id uuid NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    link text NOT NULL DEFAULT ''::text,
    made_at timestamp with time zone NOT NULL,
    kind text NOT NULL DEFAULT ''::text,
    outcome text,
    error text NOT NULL DEFAULT ''::text,
    seen_at timestamp with time zone,
    CONSTRAINT notices_pkey PRIMARY KEY (id)
);
CREATE INDEX notices_person ON oncall.notices USING btree (person_id, made_at DESC);

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
    seen_at timestamp with time zone,
    due_at timestamp with time zone,
    urgency text NOT NULL DEFAULT 'high'::text,
    bundle uuid,
    tried_at timestamp with time zone,
    again_at timestamp with time zone,
    CONSTRAINT notifications_page_id_epoch_loop_step_catch_person_id_rule__key UNIQUE (page_id, epoch, loop, step, catch, person_id, rule, method),
    CONSTRAINT notifications_pkey PRIMARY KEY (id),
    CONSTRAINT notifications_page_id_fkey FOREIGN KEY (page_id) REFERENCES oncall.pages(id)
);
CREATE INDEX notifications_bundle ON oncall.notifications USING btree (bundle) WHERE (bundle IS NOT NULL);
CREATE INDEX notifications_inbox ON oncall.notifications USING btree (person_id, queued_at DESC) WHERE (kind = 'inbox'::text);
CREATE INDEX notifications_phone ON oncall.notifications USING btree (queued_at) WHERE (kind = ANY (ARRAY['sms'::text, 'voice'::text]));
CREATE INDEX notifications_told ON oncall.notifications USING btree (person_id, tried_at DESC) WHERE (tried_at IS NOT NULL);

CREATE TABLE oncall.overrides (
    id uuid NOT NULL,
    kind text NOT NULL,
    schedule_id uuid,
    slot text,
    person_id uuid,
    replaced_id uuid,
    start_at timestamp with time zone NOT NULL,
    end_at timestamp with time zone NOT NULL,
    shifts jsonb NOT NULL DEFAULT '[]'::jsonb,
    author text NOT NULL,
    reason text NOT NULL DEFAULT ''::text,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT overrides_pkey PRIMARY KEY (id),
    CONSTRAINT overrides_check CHECK ((end_at >= start_at)),
    CONSTRAINT overrides_kind_check CHECK ((kind = ANY (ARRAY['cover'::text, 'replace'::text, 'remove'::text, 'temporary'::text, 'leave'::text])))
);
CREATE INDEX overrides_end ON oncall.overrides USING btree (end_at);
CREATE INDEX overrides_schedule ON oncall.overrides USING btree (schedule_id, end_at);

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
    visible_to text[],
    team text,
    requested boolean NOT NULL DEFAULT false,
    asked_person uuid,
    acknowledged_via text NOT NULL DEFAULT ''::text,
    urgency text NOT NULL DEFAULT 'high'::text,
    waits_until timestamp with time zone,
    called_for text NOT NULL DEFAULT 'opened'::text,
    moved_by uuid,
    assigned jsonb,
    routed uuid,
    ticket integer NOT NULL DEFAULT 0,
    CONSTRAINT pages_pkey PRIMARY KEY (id)
);
CREATE INDEX pages_incident ON oncall.pages USING btree (incident_id);
CREATE INDEX pages_number ON oncall.pages USING btree (((brief ->> 'number'::text)));
CREATE INDEX pages_open ON oncall.pages USING btree (opened_at) WHERE (state <> 'resolved'::text);

CREATE TABLE oncall.push_devices (
    id uuid NOT NULL,
    person_id uuid NOT NULL,
    endpoint text NOT NULL,
    p256dh bytea NOT NULL,
    auth bytea NOT NULL,
    name text NOT NULL,
    added_at timestamp with time zone NOT NULL,
    sent_at timestamp with time zone,
    received_at timestamp with time zone,
    failed_at timestamp with time zone,
    error text NOT NULL DEFAULT ''::text,
    CONSTRAINT push_devices_pkey PRIMARY KEY (id)
);
CREATE INDEX push_devices_person ON oncall.push_devices USING btree (person_id, added_at);
CREATE UNIQUE INDEX push_devices_endpoint ON oncall.push_devices USING btree (endpoint);

CREATE TABLE oncall.push_key (
    one boolean NOT NULL DEFAULT true,
    private bytea NOT NULL,
    made_at timestamp with time zone NOT NULL,
    CONSTRAINT push_key_pkey PRIMARY KEY (one),
    CONSTRAINT push_key_one_check CHECK (one)
);

CREATE TABLE oncall.reply_words (
    hash bytea NOT NULL,
    kind text NOT NULL,
    person_id uuid NOT NULL,
    incident_id uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT reply_words_pkey PRIMARY KEY (hash)
);
CREATE INDEX reply_words_expire ON oncall.reply_words USING btree (expires_at);

CREATE TABLE oncall.schedule_versions (
    schedule_id uuid NOT NULL,
    slot text NOT NULL,
    ordinal integer NOT NULL,
    since timestamp with time zone,
    layers jsonb NOT NULL,
    CONSTRAINT schedule_versions_pkey PRIMARY KEY (schedule_id, slot, ordinal)
);

CREATE TABLE oncall.swaps (
    id uuid NOT NULL,
    state text NOT NULL,
    schedule_id uuid NOT NULL,
    layer text NOT NULL,
    turn integer NOT NULL,
    asker_id uuid NOT NULL,
    partner_id uuid NOT NULL,
    back_schedule_id uuid,
    back_layer text NOT NULL DEFAULT ''::text,
    back_turn integer NOT NULL DEFAULT 0,
    reason text NOT NULL DEFAULT ''::text,
    created_at timestamp with time zone NOT NULL,
    decided_at timestamp with time zone,
    author text NOT NULL,
    decided_by text NOT NULL DEFAULT ''::text,
    CONSTRAINT swaps_pkey PRIMARY KEY (id),
    CONSTRAINT swaps_state_check CHECK ((state = ANY (ARRAY['requested'::text, 'accepted'::text, 'declined'::text, 'withdrawn'::text])))
);
CREATE INDEX swaps_people ON oncall.swaps USING btree (partner_id, asker_id);
CREATE INDEX swaps_schedule ON oncall.swaps USING btree (schedule_id);

CREATE TABLE oncall.turns (
    policy_id uuid NOT NULL,
    count integer NOT NULL,
    CONSTRAINT turns_pkey PRIMARY KEY (policy_id)
);

CREATE TABLE oncall.zone_promises (
    schedule_id uuid NOT NULL,
    release text NOT NULL,
    digest text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    shifts jsonb NOT NULL,
    CONSTRAINT zone_promises_pkey PRIMARY KEY (schedule_id)
);

CREATE TABLE signals.heartbeats (
    id uuid NOT NULL,
    state text NOT NULL,
    paused_by_hand boolean NOT NULL DEFAULT false,
    key_hash bytea,
    key_made_at timestamp with time zone,
    heard_at timestamp with time zone,
    ok_at timestamp with time zone,
    started_at timestamp with time zone,
    down_at timestamp with time zone,
    expected_at timestamp with time zone,
    due_at timestamp with time zone,
    ping_count bigint NOT NULL DEFAULT 0,
    CONSTRAINT heartbeats_key_hash_key UNIQUE (key_hash),
    CONSTRAINT heartbeats_pkey PRIMARY KEY (id),
    CONSTRAINT heartbeats_state_check CHECK ((state = ANY (ARRAY['new'::text, 'up'::text, 'down'::text, 'paused'::text])))
);
CREATE INDEX heartbeats_due ON signals.heartbeats USING btree (due_at) WHERE (due_at IS NOT NULL);

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
CREATE INDEX inbox_by_integration ON signals.inbox USING btree (integration, id);

CREATE TABLE signals.integration_errors (
    id uuid NOT NULL,
    integration text NOT NULL,
    at timestamp with time zone NOT NULL,
    status smallint NOT NULL,
    error text NOT NULL,
    CONSTRAINT integration_errors_pkey PRIMARY KEY (id)
);
CREATE INDEX integration_errors_newest ON signals.integration_errors USING btree (integration, at DESC);

CREATE TABLE signals.integration_minutes (
    integration text NOT NULL,
    minute timestamp with time zone NOT NULL,
    messages integer NOT NULL,
    signals integer NOT NULL,
    refusals integer NOT NULL,
    CONSTRAINT integration_minutes_pkey PRIMARY KEY (integration, minute)
);

CREATE TABLE signals.integration_stats (
    integration text NOT NULL,
    format text NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_message_at timestamp with time zone,
    last_error_at timestamp with time zone,
    last_error text NOT NULL DEFAULT ''::text,
    messages bigint NOT NULL DEFAULT 0,
    signals bigint NOT NULL DEFAULT 0,
    refusals bigint NOT NULL DEFAULT 0,
    CONSTRAINT integration_stats_pkey PRIMARY KEY (integration)
);

CREATE TABLE signals.lanes (
    lane smallint NOT NULL,
    CONSTRAINT lanes_pkey PRIMARY KEY (lane)
);

CREATE TABLE signals.listening (
    only_row boolean NOT NULL DEFAULT true,
    heard_at timestamp with time zone NOT NULL,
    deaf_since timestamp with time zone,
    deaf_until timestamp with time zone,
    CONSTRAINT listening_pkey PRIMARY KEY (only_row),
    CONSTRAINT listening_only_row_check CHECK (only_row)
);

CREATE TABLE signals.pings (
    heartbeat_id uuid NOT NULL,
    id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    exit_code smallint,
    text text NOT NULL,
    sender text NOT NULL,
    CONSTRAINT pings_pkey PRIMARY KEY (heartbeat_id, id),
    CONSTRAINT pings_heartbeat_id_fkey FOREIGN KEY (heartbeat_id) REFERENCES signals.heartbeats(id) ON DELETE CASCADE
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

CREATE TABLE topology.changes (
    id uuid NOT NULL,
    digest bytea NOT NULL,
    at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    integration text NOT NULL,
    service text NOT NULL,
    summary text NOT NULL,
    source text NOT NULL,
    links jsonb NOT NULL,
    details jsonb NOT NULL,
    CONSTRAINT changes_digest_key UNIQUE (digest),
    CONSTRAINT changes_pkey PRIMARY KEY (id)
);
CREATE INDEX changes_newest ON topology.changes USING btree (at DESC, id DESC);
CREATE INDEX changes_of_service ON topology.changes USING btree (service, at DESC);
CREATE INDEX changes_received ON topology.changes USING btree (received_at);

CREATE TABLE triage.alert_words (
    alert_id uuid NOT NULL,
    words tsvector NOT NULL,
    CONSTRAINT alert_words_pkey PRIMARY KEY (alert_id)
);
CREATE INDEX alert_words_words ON triage.alert_words USING gin (words);

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
    held_until timestamp with time zone,
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
    routes text[] NOT NULL DEFAULT '{}'::text[],
    policies text[] NOT NULL DEFAULT '{}'::text[],
    repeat_at timestamp with time zone,
    visible_to text[],
    incident_id uuid,
    incident_number bigint,
    taken_by text NOT NULL DEFAULT ''::text,
    storm_until timestamp with time zone,
    surge_at timestamp with time zone,
    surge text[] NOT NULL DEFAULT '{}'::text[],
    CONSTRAINT groups_pkey PRIMARY KEY (id)
);
CREATE INDEX groups_open ON triage.groups USING btree (id) WHERE (state = ANY (ARRAY['waiting'::text, 'active'::text]));
CREATE INDEX groups_opened ON triage.groups USING btree (opened_at);
CREATE INDEX groups_restricted ON triage.groups USING btree (id) WHERE (visible_to IS NOT NULL);
CREATE UNIQUE INDEX groups_live ON triage.groups USING btree (key) WHERE (state <> 'ended'::text);

VIEW oncall.unwitnessed AS  SELECT p.id
   FROM (oncall.pages p
     LEFT JOIN kernel.jobs j ON (((j.subject = p.id) AND (j.epoch = p.epoch) AND (j.mode = 'timer'::text) AND (j.parked_at IS NULL))))
  WHERE ((p.state <> 'resolved'::text) AND (j.id IS NULL));;
