"""The invariants I1 to I9 as SQL: each statement finds what must not be there."""

from typing import LiteralString

# Whoever looks between two commits sees what a process sees that starts after a SIGKILL.
AT_EVERY_COMMIT: LiteralString = """
    SELECT 'I1 open page without its timer', p.id
      FROM oncall.pages p
     WHERE p.state IN ('triggered', 'escalating')
       AND NOT EXISTS (SELECT 1 FROM kernel.jobs j
                        WHERE j.subject = p.id AND j.epoch = p.epoch AND j.parked_at IS NULL
                          AND j.kind = 'oncall.page_timer')
    UNION ALL
    SELECT 'I1 message without an errand', n.id
      FROM oncall.notifications n
     WHERE n.state IN ('queued', 'sending')
       AND NOT EXISTS (SELECT 1 FROM kernel.jobs j
                        WHERE j.parked_at IS NULL AND j.kind = 'oncall.deliver'
                          AND (j.subject = n.page_id
                               AND j.body::jsonb ->> 'notification_id' = n.id::text
                               OR j.body::jsonb ->> 'notification_id' = n.bundle::text))
    UNION ALL
    SELECT 'I1 page that was put off and nothing wakes', p.id
      FROM oncall.pages p
     WHERE p.state IN ('snoozed', 'held')
       AND NOT EXISTS (SELECT 1 FROM kernel.jobs j
                        WHERE j.subject = p.id AND j.epoch = p.epoch AND j.parked_at IS NULL
                          AND j.kind = 'oncall.page_timer' AND j.due_at <= p.waits_until)
    UNION ALL
    SELECT 'I2 page of high urgency that is held', p.id
      FROM oncall.pages p
     WHERE p.state = 'held' AND p.urgency = 'high'
    UNION ALL
    SELECT 'I1 acknowledged page whose acknowledgement never runs out', p.id
      FROM oncall.pages p
      JOIN kernel.resources r ON r.uid = p.policy_id AND r.spec ->> 'ackTimeout' <> '0s'
       AND NOT r.name = ANY (%(removed)s) AND p.acknowledged_at > (
           SELECT max(v.effective_from) FROM kernel.resource_versions v WHERE v.uid = r.uid)
     WHERE p.state = 'acknowledged' AND p.retriggers < %(retriggers_max)s
       AND NOT EXISTS (SELECT 1 FROM kernel.jobs j
                        WHERE j.subject = p.id AND j.epoch = p.epoch AND j.parked_at IS NULL)
    UNION ALL
    SELECT 'I1 group that needs a page has none', g.id
      FROM triage.groups g
      LEFT JOIN command.incident_groups ig ON ig.group_id = g.id
      LEFT JOIN command.incidents i ON i.id = ig.incident_id
     WHERE g.state = 'active' AND g.urgency = 'high' AND g.firing_count > 0
       AND (i.id IS NULL
            OR (i.resolved_at IS NOT NULL AND i.resolved_by <> 'person')
            OR (i.resolved_at IS NULL
                AND NOT EXISTS (SELECT 1 FROM oncall.pages p
                                 WHERE p.incident_id = i.id AND p.state <> 'resolved')))
    UNION ALL
    SELECT 'I1 group of an incident that is part of another', g.id
      FROM triage.groups g
      JOIN command.incident_groups ig ON ig.group_id = g.id
      JOIN command.incidents i ON i.id = ig.incident_id
     WHERE i.merged_into IS NOT NULL
    UNION ALL
    SELECT 'I1 merged into what is itself merged', i.id
      FROM command.incidents i
      JOIN command.incidents whole ON whole.id = i.merged_into
     WHERE whole.merged_into IS NOT NULL
    UNION ALL
    SELECT 'I1 waiting group that nothing wakes', g.id
      FROM triage.groups g
     WHERE g.state = 'waiting'
       AND NOT EXISTS (SELECT 1 FROM kernel.jobs j
                        WHERE j.subject = g.id AND j.parked_at IS NULL)
    UNION ALL
    SELECT 'I2 page for an incident that is over', p.id
      FROM oncall.pages p
      JOIN command.incidents i ON i.id = p.incident_id
     WHERE p.state <> 'resolved' AND i.resolved_at IS NOT NULL
    UNION ALL
    SELECT 'I8 a list tells of a page what is not so', p.id
      FROM oncall.pages p
      LEFT JOIN command.incident_pages l ON l.page_id = p.id
     WHERE l.state IS DISTINCT FROM CASE WHEN p.state IN ('triggered', 'escalating')
                                         THEN 'calling' ELSE p.state END
    UNION ALL
    SELECT 'I8 a list tells of a group what is not so', g.id
      FROM triage.groups g
      JOIN command.incident_groups l ON l.group_id = g.id
      JOIN command.incidents i ON i.id = l.incident_id
     WHERE (g.firing_count, g.alert_count) <> (l.firing_count, l.alert_count)
        OR (g.incident_id, g.visible_to) IS DISTINCT FROM (i.id, i.visible_to)
    UNION ALL
    SELECT 'I9 page shown to others than its incident', p.id
      FROM oncall.pages p
      JOIN command.incidents i ON i.id = p.incident_id
     WHERE p.visible_to IS DISTINCT FROM i.visible_to
    UNION ALL
    SELECT 'I1 signal both waiting and sorted', i.id
      FROM signals.inbox i
      JOIN signals.receipts r USING (id)
"""

AT_REST: LiteralString = """
    SELECT 'I7 due and not done', j.kind, j.id::text, j.due_at::text
      FROM kernel.jobs j
     WHERE j.due_at <= %(now)s AND (j.leased_until IS NULL OR j.leased_until <= %(now)s)
    UNION ALL
    SELECT 'I6 parked reaction', p.reaction, p.error, ''
      FROM kernel.parked p
    UNION ALL
    SELECT 'I7 unsorted', i.id::text, '', '' FROM signals.inbox i
    UNION ALL
    SELECT 'I7 alert that should have ended', a.id::text, a.ends_at::text, ''
      FROM triage.alerts a
     WHERE a.state = 'firing' AND a.ends_at <= %(now)s
    UNION ALL
    SELECT 'I1 group has lost count', g.id::text, g.firing_count::text, ''
      FROM triage.groups g
     WHERE g.firing_count <> (SELECT count(*) FROM triage.alerts a
                               WHERE a.group_id = g.id AND a.state = 'firing')
    UNION ALL
    SELECT 'I1 urgent alert that nobody is called for', a.id::text, g.id::text, ''
      FROM triage.alerts a
      JOIN triage.groups g ON g.id = a.group_id
     WHERE a.state = 'firing' AND a.urgency = 'high' AND g.urgency <> 'high'
    UNION ALL
    SELECT 'I6 opened beside the storm of its integration', g.id::text, g.opened_at::text, ''
      FROM triage.groups s
      JOIN triage.groups g ON g.integration = s.integration AND NOT g.storm
       AND g.opened_at < s.storm_until AND g.opened_at > s.storm_until - interval '5 min'
     WHERE s.storm
    UNION ALL
    SELECT 'I1 policy that a storm does not call', g.id::text, r.name, ''
      FROM triage.groups g
      JOIN command.incident_groups ig ON ig.group_id = g.id
      JOIN command.incidents i ON i.id = ig.incident_id AND i.resolved_at IS NULL
      JOIN kernel.resources r ON r.kind = 'EscalationPolicy' AND r.name = ANY (g.policies)
       AND NOT r.name = ANY (%(removed)s)
     WHERE g.storm AND g.state = 'active' AND g.urgency = 'high'
       AND NOT EXISTS (SELECT 1 FROM command.incident_groups other
                        WHERE other.incident_id = i.id AND other.group_id <> g.id)
       AND NOT EXISTS (SELECT 1 FROM oncall.pages p
                        WHERE p.incident_id = i.id AND p.policy_id = r.uid
                          AND p.state <> 'resolved')
    UNION ALL
    SELECT 'I1 heartbeat is down and no alert fires', r.name, h.down_at::text, ''
      FROM signals.heartbeats h
      JOIN kernel.resources r ON r.uid = h.id
     WHERE h.state = 'down'
       AND NOT EXISTS (SELECT 1 FROM triage.alerts a
                        WHERE a.integration = 'heartbeats' AND a.labels ->> 'heartbeat' = r.name
                          AND (a.state = 'firing'
                               OR a.reasons[1] LIKE '%%by hand%%' AND a.ends_at >= h.down_at))
    UNION ALL
    SELECT 'I1 missed heartbeat without an incident', a.labels ->> 'heartbeat', g.state, ''
      FROM triage.alerts a
      LEFT JOIN triage.groups g ON g.id = a.group_id
     WHERE a.integration = 'heartbeats' AND a.state = 'firing'
       AND g.state IS DISTINCT FROM 'waiting'
       AND NOT EXISTS (SELECT 1 FROM command.incident_groups ig
                         JOIN command.incidents i ON i.id = ig.incident_id
                        WHERE ig.group_id = g.id
                          AND (i.resolved_at IS NULL OR i.resolved_by = 'person'))
    UNION ALL
    SELECT 'I6 alert of a heartbeat that is not down', a.labels ->> 'heartbeat', '', ''
      FROM triage.alerts a
     WHERE a.integration = 'heartbeats' AND a.state = 'firing'
       AND NOT EXISTS (SELECT 1 FROM signals.heartbeats h
                         JOIN kernel.resources r ON r.uid = h.id
                        WHERE h.state = 'down' AND r.name = a.labels ->> 'heartbeat')
    UNION ALL
    SELECT 'I6 all heartbeats are well and the incident goes on', i.number::text, '', ''
      FROM command.incidents i
      JOIN command.incident_groups ig ON ig.incident_id = i.id
      JOIN triage.groups g ON g.id = ig.group_id
     WHERE i.resolved_at IS NULL AND i.opened_by = 'alerts'
       AND NOT EXISTS (SELECT 1 FROM watching.events e
                        WHERE i.id = ANY (e.subjects)
                          AND e.kind IN ('command.incident_reopened_by_person',
                                         'command.incident_merged', 'command.incident_split'))
     GROUP BY i.id, i.number
    HAVING bool_and(g.integration = 'heartbeats') AND sum(g.firing_count) = 0
    UNION ALL
    SELECT 'I2 nobody answers and no alarm is raised', p.id::text, '', ''
      FROM oncall.pages p
     WHERE p.state = 'escalating' AND p.catch > %(patience)s AND NOT p.unpageable
    UNION ALL
    SELECT 'I3 attempt without outcome, and nothing interrupted it',
           a.notification_id::text, a.number::text, ''
      FROM oncall.attempts a
     WHERE a.outcome IS NULL
       AND (a.notification_id, a.number) NOT IN (SELECT notification_id, number
                                                   FROM watching.interrupted)
"""

OVER_ALL_HISTORY: LiteralString = """
    SELECT 'I3 two messages of one key', n.page_id::text, n.epoch::text
      FROM oncall.notifications n
     GROUP BY n.page_id, n.epoch, n.loop, n.step, n.catch, n.person_id, n.rule, n.method
    HAVING count(*) > 1
    UNION ALL
    SELECT 'I3 tried again after ' || a.outcome, a.notification_id::text, a.number::text
      FROM oncall.attempts a
      JOIN oncall.attempts later
        ON later.notification_id = a.notification_id AND later.number > a.number
     WHERE a.outcome IN ('sent', 'permanent')
    UNION ALL
    SELECT 'I4 attempted though fenced off', c.notification_id::text, c.page_state
      FROM watching.claims c
     WHERE c.page_state IN ('acknowledged', 'resolved', 'snoozed', 'held')
        OR c.page_epoch <> c.epoch
    UNION ALL
    SELECT 'I3 a phone rang twice for one page within a minute', n.id::text, m.id::text
      FROM oncall.notifications n
      JOIN oncall.notifications m
        ON (m.page_id, m.epoch, m.person_id, m.method, m.kind)
           = (n.page_id, n.epoch, n.person_id, n.method, n.kind) AND m.id <> n.id
      JOIN oncall.attempts a ON a.notification_id = n.id AND a.outcome = 'sent'
      JOIN oncall.attempts b ON b.notification_id = m.id AND b.number = 1
     WHERE n.kind = 'ntfy' AND n.rule + m.rule > 0 AND b.started_at > a.ended_at
       AND b.started_at < a.started_at + interval '60 s'
    UNION ALL
    SELECT 'I3 gathered for more than a minute', n.id::text, n.due_at::text
      FROM oncall.notifications n
      JOIN oncall.attempts a ON a.notification_id = n.id AND a.number = 1
     WHERE n.kind = 'ntfy' AND n.rule = 0 AND n.urgency = 'high' AND n.bundle IS NOT NULL
       AND n.due_at > n.queued_at + interval '60 s'
    UNION ALL
    SELECT 'I9 told to somebody who may not see it', a.notification_id::text, a.show
      FROM oncall.attempts a
      JOIN watching.claims c USING (notification_id, number)
     WHERE c.hidden AND a.show NOT IN ('', 'reference')
    UNION ALL
    SELECT 'I2 page ended without an answer', w.page_id::text, w.state
      FROM watching.pages w
     WHERE w.state <> w.state_before AND w.state IN ('acknowledged', 'resolved')
       AND NOT EXISTS (SELECT 1 FROM watching.events e
                        WHERE e.xid = w.xid AND w.page_id = ANY (e.subjects)
                          AND e.kind IN ('oncall.page_acknowledged',
                                         'oncall.page_acknowledged_by_token',
                                         'oncall.page_resolved'))
    UNION ALL
    SELECT 'I2 page closed though nothing is over', w.page_id::text, ''
      FROM watching.pages w
     WHERE w.state = 'resolved' AND w.state_before <> 'resolved'
       AND NOT EXISTS (SELECT 1 FROM watching.events e
                        WHERE e.xid = w.xid AND e.kind IN ('command.incident_cleared',
                                                           'command.incident_merged',
                                                           'command.incident_resolved'))
    UNION ALL
    SELECT 'I2 catch-all reached but not called', w.page_id::text, w.catch::text
      FROM watching.pages w
     WHERE w.catch > w.catch_before AND NOT w.unpageable
       AND NOT EXISTS (SELECT 1 FROM watching.events e
                        WHERE e.xid = w.xid AND w.page_id = ANY (e.subjects)
                          AND e.kind = 'oncall.catch_all_called')
    UNION ALL
    SELECT 'I4 epoch went back', w.page_id::text, w.epoch::text
      FROM watching.pages w
     WHERE w.epoch < w.epoch_before
    UNION ALL
    SELECT 'I8 page changed without a word', w.page_id::text, w.xid::text
      FROM watching.pages w
     WHERE NOT EXISTS (SELECT 1 FROM watching.events e
                        WHERE e.xid = w.xid AND w.page_id = ANY (e.subjects))
    UNION ALL
    SELECT 'I8 attempt ended without a word', o.notification_id::text, o.outcome
      FROM watching.outcomes o
     WHERE NOT EXISTS (SELECT 1 FROM watching.events e
                        WHERE e.xid = o.xid AND o.notification_id = ANY (e.subjects)
                          AND (o.outcome, e.kind)
                              IN (('sent', 'oncall.notification_sent'),
                                  ('transient', 'oncall.notification_retried'),
                                  ('transient', 'oncall.notification_failed'),
                                  ('permanent', 'oncall.notification_failed')))
    UNION ALL
    SELECT 'I8 suppressed without a word', n.id::text, ''
      FROM oncall.notifications n
     WHERE n.state IN ('suppressed', 'folded')
       AND NOT EXISTS (SELECT 1 FROM watching.events e
                        WHERE n.id = ANY (e.subjects)
                          AND e.kind = 'oncall.notification_suppressed')
    UNION ALL
    SELECT 'I8 the watchdog had to help', e.id::text, ''
      FROM watching.events e
     WHERE e.kind = 'oncall.witness_restored'
"""

THE_LOG: LiteralString = """
    SELECT 'I8 the log is not dense', h.size::text, count(l.seq)::text
      FROM kernel.log_head h
      LEFT JOIN kernel.log l ON true
     GROUP BY h.size
    HAVING h.size <> count(l.seq) OR min(l.seq) <> 0 OR max(l.seq) <> h.size - 1
    UNION ALL
    SELECT 'I8 wrong leaf', l.seq::text, ''
      FROM kernel.log l
     WHERE l.leaf <> sha256('\\x00'::bytea || convert_to(l.line, 'UTF8'))
    UNION ALL
    SELECT 'I8 recorded and not sealed once', coalesce(e.id, l.id)::text, ''
      FROM watching.events e
      FULL JOIN (SELECT id FROM kernel.log UNION ALL SELECT id FROM kernel.intake_log) l
        ON l.id = e.id
     WHERE e.id IS NULL OR l.id IS NULL
    UNION ALL
    SELECT 'I8 sealed out of order', l.seq::text, ''
      FROM (SELECT seq, at, lag(at) OVER (ORDER BY seq) AS before FROM kernel.log) l
     WHERE l.at < l.before - interval '1 min'
"""

GIVEN_UP_WITHOUT_NEXT: LiteralString = """
    SELECT n.id, r.name, n.method, max(a.ended_at)
      FROM watching.failures f
      JOIN oncall.notifications n ON n.id = f.notification_id
      JOIN oncall.attempts a ON a.notification_id = n.id
      JOIN kernel.resources r ON r.uid = n.person_id
     WHERE f.page_state IN ('triggered', 'escalating') AND f.page_epoch = n.epoch
       AND NOT EXISTS (SELECT 1 FROM oncall.notifications x
                        WHERE (x.page_id, x.epoch, x.loop, x.step, x.catch, x.person_id)
                              = (n.page_id, n.epoch, n.loop, n.step, n.catch, n.person_id)
                          AND (x.rule > n.rule
                               OR x.rule = n.rule AND x.method = n.method + 1))
       AND n.rule = 0
     GROUP BY n.id, r.name, n.method
"""

OPEN_PAGES: LiteralString = """
    SELECT p.id, p.epoch,
           CASE WHEN p.asked_person IS NOT NULL THEN 'asked' ELSE coalesce(r.name, 'default') END,
           p.catch, p.unpageable, p.assigned IS NOT NULL,
           EXISTS (SELECT 1 FROM oncall.notifications n
                    WHERE n.page_id = p.id AND n.epoch = p.epoch AND n.state = 'sent')
      FROM oncall.pages p
      LEFT JOIN kernel.resources r ON r.uid = p.policy_id
     WHERE p.state IN ('triggered', 'escalating')
"""

UNSETTLED: LiteralString = """
    SELECT 'I6 page', id::text, state FROM oncall.pages WHERE state <> 'resolved'
    UNION ALL
    SELECT 'I6 incident', number::text, status FROM command.incidents WHERE resolved_at IS NULL
    UNION ALL
    SELECT 'I6 message', id::text, state FROM oncall.notifications
     WHERE state IN ('queued', 'sending')
    UNION ALL
    SELECT 'I6 group', id::text, state FROM triage.groups WHERE state IN ('waiting', 'active')
    UNION ALL
    SELECT 'I6 alert', id::text, state FROM triage.alerts WHERE state = 'firing'
    UNION ALL
    SELECT 'I6 job', kind, due_at::text FROM kernel.jobs
    UNION ALL
    SELECT 'I6 unsealed', id::text, kind FROM kernel.intake_log
"""

# An alarm is void once somebody has the page.
ALARMS_UNTOLD: LiteralString = """
    SELECT e.id, e.at, min(later.at)
      FROM watching.events e
      LEFT JOIN watching.events later
        ON later.subjects && e.subjects AND later.at >= e.at
       AND later.kind IN ('oncall.page_acknowledged', 'oncall.page_acknowledged_by_token',
                          'oncall.page_resolved', 'oncall.page_snoozed',
                          'oncall.page_reassigned')
     WHERE e.kind = 'oncall.page_unpageable'
       AND NOT EXISTS (SELECT 1 FROM watching.events told
                        WHERE told.kind = 'oncall.last_resort_called'
                          AND told.subjects && e.subjects AND told.at >= e.at)
     GROUP BY e.id, e.at
"""
